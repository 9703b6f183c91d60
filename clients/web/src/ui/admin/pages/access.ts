/** Entitlements, and the answer to "Why can this person see this desktop?" */

import { addEntitlement, listEntitlements, removeEntitlement, whyAccess } from "../../../gateway/admin/admin_client.ts";
import type { Access, AccessPath, Entitlement } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { ListView } from "../list_view.ts";
import { action, section } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Longest name, characters. */
const NAME_MAX = 64;
/** Entitlements of the configuration are changed there. */
const CONFIGURATION = "configuration";

export function accessView(admin: Admin): View {
  const t = adminTexts();
  const a = t.access;
  const done = (): void => void list.refresh();
  const table = new Table<Entitlement>({
    caption: t.nav.access,
    keyOf: ({ id, subject, name, desktop, origin }) => [id, subject, name, desktop, origin].join(" "),
    columns: [
      { label: a.subject, cell: whoIs },
      { label: a.desktop, cell: ({ desktop }) => desktop },
      { label: a.origin, cell: ({ origin }) => nameIn(a.origins, origin) || "–" },
      {
        label: t.sessions.actions,
        silent: true,
        class: "row-actions",
        cell: (entry) => removeButton(admin, entry, done),
      },
    ],
  });
  const add = action(a.add, () => askToAdd(admin, done));
  const list = new ListView<Entitlement>({
    admin,
    title: t.nav.access,
    table,
    load: listEntitlements,
    searchLabel: a.search,
    empty: t.messages.empty.entitlements,
    nothingFound: t.messages.empty.entitlementsFound,
    actions: admin.may("change-entitlement") ? [add] : [],
  });
  return {
    element: h("div", { class: "list" }, list.element, whySection(admin)),
    title: t.nav.access,
    search: list.search,
    shown: done,
    close: () => list.close(),
  };
}

function whoIs({ subject, name }: Entitlement): string {
  const { subjects } = adminTexts().access;
  return subject === "everybody" ? nameIn(subjects, subject) : `${nameIn(subjects, subject)} ${name}`;
}

function askToAdd(admin: Admin, done: () => void): void {
  const { fields, questions } = adminTexts();
  admin.ask({
    question: questions.addEntitlement,
    fields: [
      {
        name: "subject",
        label: fields.memberKind,
        kind: "choice",
        choices: [
          ["user", fields.person],
          ["group", fields.group],
          ["everybody", fields.everybody],
        ],
        longest: NAME_MAX,
      },
      { name: "name", label: fields.memberName, kind: "text", longest: NAME_MAX, optional: true },
      { name: "desktop", label: fields.desktop, kind: "text", longest: NAME_MAX },
    ],
    run: ({ subject = "", name = "", desktop = "" }) =>
      addEntitlement(subject, subject === "everybody" ? "" : name, desktop),
    done,
  });
}

function removeButton(admin: Admin, entry: Entitlement, done: () => void): HTMLElement | null {
  if (!admin.may("change-entitlement") || entry.origin === CONFIGURATION) return null;
  const { access, questions } = adminTexts();
  const who = whoIs(entry);
  const button = action(
    access.remove,
    () =>
      admin.ask({
        question: questions.removeEntitlement(who, entry.desktop),
        grave: true,
        run: () => removeEntitlement(entry.id),
        done,
      }),
    "secondary small",
  );
  button.setAttribute("aria-label", `${access.remove} ${who}, ${entry.desktop}`);
  return button;
}

/** The form that asks why a person may open a desktop. The address may have the person. */
function whySection(admin: Admin): HTMLElement {
  const a = adminTexts().access;
  const given = new URLSearchParams(location.search).get("person") ?? "";
  const field = (name: string, label: string): HTMLInputElement =>
    h("input", {
      class: "field",
      attrs: {
        name,
        "aria-label": label,
        placeholder: label,
        required: "",
        autocomplete: "off",
        maxlength: String(NAME_MAX),
      },
    });
  const person = field("person", a.person);
  const desktop = field("desktop", a.desktop);
  person.value = given;
  const result = h("div", { class: "why-result", attrs: { role: "status" } });
  const ask = async (): Promise<void> => {
    const answer = await whyAccess(person.value.trim(), desktop.value.trim());
    if (answer.ok) {
      result.replaceChildren(...explanation(person.value.trim(), desktop.value.trim(), answer.value));
      return;
    }
    const reason = admin.messageOf(answer.failure);
    if (reason !== null) result.replaceChildren(h("p", { class: "alert" }, sentences(reason)));
  };
  return section(
    a.whyTitle,
    h(
      "form",
      {
        class: "row-form",
        on: {
          submit: (event) => {
            event.preventDefault();
            void ask();
          },
        },
      },
      person,
      desktop,
      h("button", { class: "secondary", attrs: { type: "submit" } }, a.ask),
    ),
    result,
  );
}

function explanation(person: string, desktop: string, found: Access): readonly HTMLElement[] {
  const a = adminTexts().access;
  const lacking = found.lacks.map((lack) => nameIn(a.lacks, lack));
  const helps = !found.allowed && found.entitledGroups.length > 0;
  const lines = [
    ...found.paths.map(pathText),
    ...lacking,
    ...(helps ? [a.groupsThatHelp(found.entitledGroups.join(", "))] : []),
  ];
  return [
    h(
      "p",
      { class: "why-answer", attrs: { "data-allowed": String(found.allowed) } },
      h("strong", {}, found.allowed ? a.allowed(person, desktop) : a.refused(person, desktop)),
    ),
    h("ul", {}, ...lines.map((line) => h("li", {}, line))),
  ];
}

function pathText({ subject, name, origin, groups }: AccessPath): string {
  const a = adminTexts().access;
  const why = subject === "group" ? a.paths.group(name) : subject === "user" ? a.paths.user : a.paths.everybody;
  const through = groups.length > 0 ? ` – ${a.through(groups.join(" → "))}` : "";
  return `${why} (${nameIn(a.origins, origin)})${through}`;
}
