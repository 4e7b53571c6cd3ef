// Who is here, and who one is oneself.
import { type Person, isVerified, nameOf } from "../model/people.ts";
import type { Language } from "../texts/index.ts";
import { Avatar, Mark } from "./message.tsx";

const SHOWN = 200;

interface Props {
  id: string;
  title: string;
  people: readonly Person[];
  tellsPeople: boolean;
  me: string;
  name: string;
  canRename: boolean;
  language: Language;
  onRename: () => void;
  onClose: () => void;
}

export function People({ id, title, people, tellsPeople, me, name, canRename, language, onRename, onClose }: Props) {
  const { t } = language;
  return (
    <aside class="people" part="people" id={id} aria-label={`${t.people}: ${title}`}>
      <div class="line">
        <b class="grow" dir="auto">{name === "" ? t.notNamed : name}</b>
        {canRename && <button type="button" class="small" onClick={onRename}>{t.changeName}</button>}
      </div>
      <h2>{people.length > 0 ? t.here(people.length) : t.people}</h2>
      {!tellsPeople && <p class="faint">{t.peopleUnknown}</p>}
      <ul>
        {people.slice(0, SHOWN).map(({ person, from }) => (
          <li key={person}>
            <Avatar person={person} name={nameOf(from, t)} />
            <span class="names">
              <span class="who" dir="auto" title={nameOf(from, t)}>{nameOf(from, t)}</span>
              {person === me ? <span class="mark you">{t.you}</span> : from.name !== undefined || from.user !== undefined ? <Mark isSure={isVerified(from)} t={t} /> : null}
            </span>
          </li>
        ))}
        {people.length > SHOWN && <li class="faint">{t.andMore(people.length - SHOWN)}</li>}
      </ul>
      <button type="button" class="small close" onClick={onClose}>{t.closePanel}</button>
    </aside>
  );
}
