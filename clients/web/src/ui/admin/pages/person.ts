/** One person: account, groups, second factor, the desktops that run, and what can be done about each. */

import {
  changePerson,
  disablePerson,
  personOf,
  resetPassword,
  sessionOf,
} from "../../../gateway/admin/admin_client.ts";
import type { PersonDetail, Session, SessionDetail } from "../../../gateway/admin/shapes.ts";
import type { Answer } from "../../../gateway/gateway_client.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { DetailView } from "../detail_view.ts";
import { agoText, numberText, timeText } from "../format.ts";
import { action, facts, link, section, state, words } from "../parts.ts";
import { sessionActions } from "../session_acts.ts";
import { latencyBars, sessionState } from "../session_parts.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, QuestionField, View } from "../view.ts";

const PASSWORD_MAX = 1024;

interface PersonWithDesktops {
  readonly person: PersonDetail;
  readonly sessions: readonly (Session | SessionDetail)[];
}

export function personView(admin: Admin, name: string): View {
  const t = adminTexts();
  const detail = new DetailView<PersonWithDesktops>({
    admin,
    list: "people",
    title: name,
    load: () => load(name),
    heading: ({ person }) => person.displayName,
    draw: (found) => draw(admin, found, () => void detail.refresh()),
  });
  return {
    element: detail.element,
    title: t.nav.people,
    shown: () => void detail.refresh(),
    changed: ({ topic }) => {
      if (topic === "sessions") detail.changed();
    },
    close: () => detail.close(),
  };
}

async function load(name: string): Promise<Answer<PersonWithDesktops>> {
  const person = await personOf(name);
  if (!person.ok) return person;
  const running = person.value.sessions;
  const details = await Promise.all(running.map(({ id }) => sessionOf(id)));
  const sessions = running.map((session, index) => {
    const found = details[index];
    return found?.ok === true ? found.value : session;
  });
  return { ok: true, value: { person: person.value, sessions } };
}

function draw(admin: Admin, { person, sessions }: PersonWithDesktops, refresh: () => void): readonly (Node | null)[] {
  const t = adminTexts();
  const p = t.people;
  return [
    accountActions(admin, person, refresh),
    h(
      "div",
      { class: "columns" },
      section(
        p.state,
        facts(
          [p.username, person.name],
          [p.state, state(person.state)],
          [p.signedIn, person.signedIn ? t.yes : t.no],
          [p.lastSignIn, timeText(person.lastSignIn)],
          [p.secondFactor, person.secondFactor ? t.yes : t.no],
          [p.roles, words(person.roles, t.roles) || t.none],
          [p.groups, groupLinks(admin, person.groups)],
          [p.mayOpen, person.desktops.join(", ") || t.none],
          [p.source, nameIn(p.sources, person.source)],
        ),
        h(
          "p",
          { class: "section-links" },
          admin.maySee("audit") ? link(adminPath("audit", undefined, { account: person.name }), p.audit) : null,
          admin.maySee("access") ? link(adminPath("access", undefined, { person: person.name }), p.why) : null,
        ),
      ),
      h(
        "div",
        { class: "column" },
        ...(sessions.length > 0
          ? sessions.map((session) => desktop(admin, session, refresh))
          : [section(p.desktops, h("p", { class: "muted" }, p.noDesktops))]),
      ),
    ),
  ];
}

function groupLinks(admin: Admin, groups: readonly string[]): Node | string {
  if (groups.length === 0) return adminTexts().none;
  if (!admin.maySee("groups")) return groups.join(", ");
  return h("span", { class: "links" }, ...groups.map((group) => link(adminPath("groups", group), group)));
}

/** One running desktop of the person, with the latency that they feel. */
function desktop(admin: Admin, session: Session | SessionDetail, refresh: () => void): HTMLElement {
  const t = adminTexts().sessions;
  return section(
    session.desktop,
    facts(
      [t.state, sessionState(session)],
      [t.since, agoText(session.since, Date.now())],
      [t.viewers, numberText(session.viewers)],
      [t.place, session.place],
      [t.address, session.address],
    ),
    "stages" in session ? latencyBars(session.stages) : null,
    sessionActions(admin, session, refresh),
    h("p", { class: "section-links" }, link(adminPath("sessions", session.id), t.details)),
  );
}

function accountActions(admin: Admin, person: PersonDetail, done: () => void): HTMLElement {
  const t = adminTexts();
  const { questions, people: p } = t;
  const { name } = person;
  const own = name === admin.username; // nobody locks themselves out
  const disabled = person.state === "disabled";
  const local = person.source === "" || person.source === "local";
  const reset = (): void =>
    admin.ask({
      question: questions.resetPassword(name),
      grave: true,
      fields: [
        { name: "password", label: t.fields.passwordOrMade, kind: "password", longest: PASSWORD_MAX, optional: true },
      ],
      run: ({ password = "" }) => resetPassword(name, password),
      done,
    });
  const buttons = [
    admin.may("sign-out") && person.signedIn
      ? action(p.signOut, () =>
          admin.ask({
            question: questions.signOut(name),
            grave: true,
            run: () => changePerson(name, "sign-out"),
            done,
          }),
        )
      : null,
    admin.may("reset-second-factor") && person.secondFactor
      ? action(p.resetFactor, () =>
          admin.ask({
            question: questions.resetFactor(name),
            grave: true,
            run: () => changePerson(name, "reset-second-factor"),
            done,
          }),
        )
      : null,
    admin.may("change-account") && local && !own ? action(p.resetPassword, reset) : null,
    admin.may("change-account") && !own && !disabled
      ? action(
          p.disable,
          () =>
            admin.ask({
              question: questions.disable(name),
              grave: true,
              fields: person.sessions.length === 0 ? [] : [openDesktops()],
              run: ({ desktops }) => disablePerson(name, desktops === "end"),
              done,
            }),
          "secondary grave",
        )
      : null,
    admin.may("change-account") && disabled
      ? action(p.enable, () =>
          admin.ask({ question: questions.enable(name), run: () => changePerson(name, "enable"), done }),
        )
      : null,
  ];
  return h("div", { class: "actions" }, ...buttons);
}

/** Asks what happens to the desktops of somebody whose account is disabled. */
function openDesktops(): QuestionField {
  const { fields } = adminTexts();
  return {
    name: "desktops",
    label: fields.openDesktops,
    kind: "choice",
    choices: [
      ["keep", fields.goOn],
      ["end", fields.end],
    ],
    longest: 0,
  };
}
