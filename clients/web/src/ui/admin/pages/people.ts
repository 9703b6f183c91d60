/** All people with an account. */

import { addPerson, listPeople } from "../../../gateway/admin/admin_client.ts";
import type { Person } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { shortTimeText } from "../format.ts";
import { ListView } from "../list_view.ts";
import { action, state, words } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Longest names and passwords that the server takes, characters. */
const NAME_MAX = 64;
const PASSWORD_MAX = 1024;

export function peopleView(admin: Admin): View {
  const t = adminTexts();
  const p = t.people;
  const table = peopleTable();
  const add = action(p.add, () =>
    admin.ask({
      question: t.questions.addPerson,
      fields: [
        { name: "name", label: t.fields.username, kind: "text", longest: NAME_MAX },
        { name: "displayName", label: t.fields.displayName, kind: "text", longest: NAME_MAX, optional: true },
        { name: "password", label: t.fields.passwordOrMade, kind: "password", longest: PASSWORD_MAX, optional: true },
      ],
      run: ({ name = "", displayName = "", password = "" }) => addPerson(name, displayName, password),
      done: () => void list.refresh(),
    }),
  );
  const list = new ListView<Person>({
    admin,
    title: t.nav.people,
    table,
    load: listPeople,
    searchLabel: p.search,
    empty: t.messages.empty.people,
    nothingFound: t.messages.empty.peopleFound,
    actions: admin.may("change-account") ? [add] : [],
  });
  return {
    element: list.element,
    title: t.nav.people,
    search: list.search,
    shown: () => void list.refresh(),
    changed: ({ topic }) => {
      if (topic === "sessions") list.changed();
    },
    close: () => list.close(),
  };
}

/** A table of people, whose rows lead to the page of a person. */
export function peopleTable(): Table<Person> {
  const t = adminTexts();
  const p = t.people;
  return new Table<Person>({
    caption: t.nav.people,
    keyOf: ({ name }) => name,
    hrefOf: ({ name }) => adminPath("people", name),
    columns: [
      { label: p.name, cell: fullName },
      { label: p.state, cell: (person) => state(person.state) },
      { label: p.signedIn, cell: ({ signedIn }) => (signedIn ? t.yes : t.no) },
      { label: p.secondFactor, cell: ({ secondFactor }) => (secondFactor ? t.yes : t.no) },
      { label: p.roles, class: "wide", cell: ({ roles }) => words(roles, t.roles) || "–" },
      { label: p.groups, class: "wide clipped", cell: ({ groups }) => groups.join(", ") || "–" },
      { label: p.source, class: "wide", cell: ({ source }) => nameIn(p.sources, source) || "–" },
      { label: p.lastSignIn, class: "number", cell: ({ lastSignIn }) => shortTimeText(lastSignIn, Date.now()) },
    ],
  });
}

function fullName({ name, displayName }: Person): Node | string {
  if (displayName === name) return name;
  return h("span", {}, displayName, " ", h("span", { class: "muted" }, name));
}
