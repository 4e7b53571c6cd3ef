// Asks what one wants to be called.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { clean, fits } from "../model/people.ts";
import type { Texts } from "../texts/index.ts";

interface Props {
  name: string;
  t: Texts;
  /** Whether the field takes the focus: when somebody asked for it. */
  takesFocus: boolean;
  /** Gives what is wrong with it, or nothing. */
  onName: (name: string) => Promise<string>;
  onCancel: (() => void) | undefined;
}

export function Naming({ name, t, takesFocus, onName, onCancel }: Props) {
  const [problem, setProblem] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (takesFocus) {
      field.current?.select();
    }
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const wanted = clean(field.current!.value);
    if (wanted === "") {
      // Spaces alone are no name: the browser says so in its words.
      field.current!.value = "";
      field.current!.reportValidity();
    } else {
      setProblem(fits(wanted) ? await onName(wanted) : t.nameTooLong);
    }
  };
  return (
    <form class="naming" part="naming" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onCancel?.()}>
      <label>
        <span>{t.askName}</span>
        <input ref={field} part="input" maxLength={64} autoComplete="nickname" spellcheck={false} dir="auto" required defaultValue={name} aria-describedby="name-hint" />
      </label>
      <button type="submit" class="main">{name === "" ? t.join : t.save}</button>
      {onCancel !== undefined && <button type="button" onClick={onCancel}>{t.cancel}</button>}
      <p id="name-hint" class="faint">{t.nameHint}</p>
      {problem !== "" && <p class="bad" role="alert">{problem}</p>}
    </form>
  );
}
