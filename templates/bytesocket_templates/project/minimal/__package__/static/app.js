// @ts-check
/** The page: asks the server for a greeting. `client.js` is generated (`bytesocket generate`). */
import { connect, RequestError } from "./client.js";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const api = connect();
api.onState((state) => {
  byId("state").textContent = state;
  byId("state").dataset.state = state;
});

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { value: name } = /** @type {HTMLInputElement} */ (byId("name"));
  try {
    show((await api.request("greet", { name })).text);
  } catch (error) {
    show(explain(error), "refused");
  }
});

/** @param {string} text */
function show(text, fate = "") {
  byId("answer").textContent = text;
  byId("answer").className = `answer ${fate}`;
}

/** @param {unknown} error */
function explain(error) {
  if (!(error instanceof RequestError)) return String(error);
  const [finding] = error.details;
  return finding ? `${finding.loc.join(".")}: ${finding.msg}` : error.message;
}
