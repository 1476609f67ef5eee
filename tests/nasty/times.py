"""Dates, times and spans: text on both wires, with a zone or without."""

import datetime as dt
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FutureDate,
    NaiveDatetime,
    PastDatetime,
)

from tests.nasty.case import Case, Row


class Moments(BaseModel):
    at: dt.datetime
    aware: AwareDatetime | None = None
    naive: NaiveDatetime | None = None
    past: PastDatetime | None = None


class Days(BaseModel):
    day: dt.date
    time: dt.time = dt.time(1, 2, 3)
    took: dt.timedelta = dt.timedelta(seconds=1.5)
    late: FutureDate | None = None
    bounded: Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))] = dt.date(
        2020, 1, 1
    )


class Span(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float")

    length: dt.timedelta


class Either(BaseModel):
    when: dt.datetime | dt.date
    maybe: dt.time | str | None = None


CASES: dict[str, Case] = {
    "moments": Case(
        rows=(Row.DATETIME,),
        payload=Moments,
        good=[
            {
                "at": "2020-01-02T03:04:05.678901Z",
                "aware": "2020-01-02T03:04:05+01:30",
                "naive": "2020-01-02T03:04:05",
                "past": "2000-01-01T00:00:00",
            },
            {"at": "2020-01-02T03:04:05", "aware": None, "naive": None, "past": None},
        ],
        bad=[{"at": None}, {"at": []}, {}],
        unlike=[{"at": 5}],
    ),
    "days": Case(
        rows=(Row.OTHER_TIMES, Row.CONSTRAINTS),
        payload=Days,
        good=[
            {
                "day": "2020-02-29",
                "time": "23:59:59.999999+02:00",
                "took": "-P1DT2H",
                "late": "2999-01-01",
                "bounded": "2050-01-01",
            },
            {"day": "2020-02-29", "late": None},
        ],
        bad=[{"day": None}, {"day": {}}],
    ),
    "span": Case(
        rows=(Row.OTHER_TIMES,),
        payload=Span,
        good=[{"length": "PT1.5S"}],
        bad=[{"length": None}],
        unlike=[{"length": 1.5}],
        echo=False,
    ),
    "either": Case(
        rows=(Row.SMART_UNION,),
        payload=Either,
        good=[
            {"when": "2020-01-02T03:04:05Z", "maybe": "01:02:03"},
            {"when": "2020-01-02", "maybe": "noon"},
            {"when": "2020-01-02", "maybe": None},
        ],
        bad=[{"when": None}, {"when": "2020-01-02", "maybe": []}],
    ),
}
