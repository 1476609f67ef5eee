// Two tabs of one user and a tab of another, while a job runs.
import { connect, RequestError } from "./progress.ts";
import type { Client, Job, ServerEvents } from "./progress.ts";

const open = async (url: string, user_id: number): Promise<Client> => {
  const tab = connect(url, { auth: { user_id, secret: `secret ${user_id}` } });
  await tab.ready;
  return tab;
};

const next = <E extends keyof ServerEvents>(tab: Client, event: E): Promise<ServerEvents[E]> =>
  new Promise((resolve) => tab.once(event, resolve));

export async function run(url: string, tell: (value: unknown) => void): Promise<void> {
  const [first, second, other] = [await open(url, 1), await open(url, 1), await open(url, 2)];
  const strange: string[] = [];
  for (const event of ["job:started", "job:advanced", "job:ended"] as const) {
    other.on(event, () => strange.push(event));
  }
  const load = next(other, "feed:load");
  const started = next(second, "job:started");
  const job_id: string = await first.request("job:start", { title: "Count", steps: 1_000_000 });
  tell((await started).job.job_id === job_id);
  const { waiting, running } = await load;
  tell(waiting + running);

  const advanced = await next(second, "job:advanced");
  tell(advanced.job_id === job_id && advanced.done > 0);
  first.close();
  tell((await next(second, "job:advanced")).done > advanced.done);
  const jobs: Job[] = await second.request("job:mine");
  tell(jobs.map(({ title, outcome }) => [title, outcome]));

  try {
    await other.request("job:cancel", { job_id });
  } catch (error) {
    if (error instanceof RequestError) tell(error.code satisfies "no_such_job" | string);
  }
  const ended = next(second, "job:ended");
  const { steps } = await second.request("job:cancel", { job_id });
  tell([steps, (await ended).outcome]);
  tell(strange);

  // @ts-expect-error the server puts everybody into it
  other.join("feed");
  // @ts-expect-error a job has a title
  const wrong = (): unknown => other.request("job:start", { steps: 1 });
  wrong satisfies unknown;
  for (const tab of [second, other]) tab.close();
}
