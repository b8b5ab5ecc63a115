import {useState} from "preact/hooks";
import {Failure, Field} from "../parts.tsx";
import {useTitle} from "../hooks.ts";
import {act, reasonOf} from "../server.ts";
import {loadSession, session} from "../state.ts";

export function Login() {
  const [error, setError] = useState("");
  useTitle("Log in");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await act("POST", "session", {key: new FormData(event.target as HTMLFormElement).get("key")});
      await loadSession();
    } catch (cause) {
      setError(reasonOf(cause));
    }
  };
  return (
    <main class="alone">
      <p class="brand">
        <img src="/console/icon.svg" alt="" width="28" height="28" />
        Parley
      </p>
      <h1>Log in to the console</h1>
      {session.value?.keys ? (
        <form onSubmit={(e) => void submit(e)}>
          <Field label="Key" hint="The operators' key (api.admin_key), or the viewers' (api.viewer_key).">
            <input type="password" name="key" required autocomplete="current-password" autoFocus />
          </Field>
          {error && <Failure text={error} />}
          <div class="buttons">
            <button class="solid">Log in</button>
          </div>
        </form>
      ) : (
        <p>
          This server has no key that opens the console. Set <code>api.admin_key</code> (or{" "}
          <code>PARLEY_API_ADMIN_KEY</code>), and <code>api.viewer_key</code> for people who may only look; each has 16
          bytes or more, such as what <code>openssl rand -hex 24</code> prints. Then start the server again.
        </p>
      )}
    </main>
  );
}
