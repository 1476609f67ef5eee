// @ts-check
/** The page: asks the server for a greeting. `client.js` is generated (`bytesocket generate`). */
import { connect } from "./client.js";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const api = connect();
api.onState((state) => (byId("state").textContent = state));

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { value: name } = /** @type {HTMLInputElement} */ (byId("name"));
  try {
    byId("answer").textContent = (await api.request("greet", { name })).text;
  } catch (error) {
    byId("answer").textContent = error instanceof Error ? error.message : String(error);
  }
});
