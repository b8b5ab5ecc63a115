import {useEffect, useState} from "preact/hooks";
import {kinds, sample, type Kind} from "../events.ts";
import {pretty} from "../format.ts";
import {useSettled, useTitle} from "../hooks.ts";
import {Failure, Field, Page} from "../parts.tsx";
import {act, reasonOf} from "../server.ts";
import type {Rendering} from "../types.ts";

interface Words {
  topic: string;
  renderings: Rendering[];
}

export function WordsPage() {
  useTitle("Words");
  const [kind, setKind] = useState<Kind>("message");
  const [data, setData] = useState(JSON.stringify(sample("message"), null, 2));
  const [topic, setTopic] = useState("");
  const [words, setWords] = useState<Words>();
  const [error, setError] = useState("");
  const asked = useSettled(JSON.stringify({kind, data, topic}), 250);
  useEffect(() => {
    let late = false;
    const input = JSON.parse(asked) as {kind: Kind; data: string; topic: string};
    const load = async () => {
      try {
        const event = {kind: input.kind, topic: input.topic, id: "example", data: JSON.parse(input.data) as unknown};
        const found = await act<Words>("POST", "words", event);
        if (late) return;
        setWords(found);
        setError("");
      } catch (cause) {
        if (!late) setError(cause instanceof SyntaxError ? "The data is no JSON yet." : reasonOf(cause));
      }
    };
    void load();
    return () => {
      late = true;
    };
  }, [asked]);
  return (
    <Page title="Words" intro="Type an event, and see what each protocol's clients would read. Nothing is published.">
      <div class="words">
        <form onSubmit={(e) => e.preventDefault()}>
          <Field label="Kind">
            <select
              data-search=""
              value={kind}
              onChange={(e) => {
                const chosen = e.currentTarget.value as Kind;
                setKind(chosen);
                setData(JSON.stringify(sample(chosen), null, 2));
              }}
            >
              {kinds.map((k) => (
                <option key={k}>{k}</option>
              ))}
            </select>
          </Field>
          <Field label="Data">
            <textarea rows={12} value={data} spellcheck={false} onInput={(e) => setData(e.currentTarget.value)} />
          </Field>
          <Field label="Topic" hint="Empty: where the kind belongs, or users.">
            <input value={topic} onInput={(e) => setTopic(e.currentTarget.value)} />
          </Field>
          {error && <Failure text={error} />}
        </form>
        <section aria-label="Renderings" aria-live="polite">
          {words?.topic && (
            <p class="note">
              Goes to the topic <code>{words.topic}</code>.
            </p>
          )}
          {words?.renderings.map((r) => (
            <article key={r.dialect} class={"rendering" + (r.text === null ? " none" : "")}>
              <h2>{r.dialect}</h2>
              {r.text === null ? (
                <p>has no words for it; its clients are sent nothing.</p>
              ) : (
                <pre tabIndex={0} aria-label={`In ${r.dialect}`}>
                  {pretty(r.text)}
                </pre>
              )}
            </article>
          ))}
        </section>
      </div>
    </Page>
  );
}
