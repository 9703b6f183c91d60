/** The groups, and the roles that people and groups were given. */

import { addGroup, giveRole, listGroups, listRoles, takeRole } from "../../../gateway/admin/admin_client.ts";
import type { Group, RoleAssignment } from "../../../gateway/admin/shapes.ts";
import type { Role } from "../../../gateway/gateway_client.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { numberText } from "../format.ts";
import { emptyState, ListView } from "../list_view.ts";
import { action, section } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, QuestionField, View } from "../view.ts";

/** Roles that the page shows. */
const ROLES_MAX = 200;
/** Longest name, characters. */
const NAME_MAX = 128;

export function groupsView(admin: Admin): View {
  const t = adminTexts();
  const g = t.groups;
  const table = new Table<Group>({
    caption: t.nav.groups,
    keyOf: ({ name }) => name,
    hrefOf: ({ name }) => adminPath("groups", name),
    columns: [
      { label: g.name, cell: ({ name }) => name },
      { label: g.people, class: "number", cell: ({ people }) => numberText(people) },
      { label: g.groups, class: "number", cell: ({ groups }) => numberText(groups) },
      { label: t.people.source, cell: ({ origin }) => nameIn(t.people.sources, origin) || "–" },
    ],
  });
  const list = new ListView<Group>({
    admin,
    title: t.nav.groups,
    table,
    load: listGroups,
    searchLabel: g.search,
    empty: t.messages.empty.groups,
    nothingFound: t.messages.empty.groupsFound,
    actions: admin.may("change-group") ? [action(g.addGroup, () => askForGroup(admin))] : [],
  });
  const roleList = h("div", {});
  const give = action(g.give, () => askForRole(admin, () => void showRoles()), "secondary small");
  const giving = h("div", { class: "actions" }, admin.may("change-role") ? give : null);
  const roles = section(g.roles, giving, roleList);
  roles.hidden = true;
  let closed = false;
  const showRoles = async (): Promise<void> => {
    const answer = await listRoles({ limit: ROLES_MAX });
    // A helpdesk does not see who has which role.
    if (closed || !answer.ok) return;
    const { items } = answer.value;
    const done = (): void => void showRoles();
    roleList.replaceChildren(items.length === 0 ? emptyState(t.messages.empty.roles) : roleTable(admin, items, done));
    roles.hidden = false;
  };
  return {
    element: h("div", { class: "list" }, list.element, roles),
    title: t.nav.groups,
    search: list.search,
    shown: () => {
      void list.refresh();
      if (admin.maySee("audit")) void showRoles();
    },
    close: () => {
      closed = true;
      list.close();
    },
  };
}

function roleTable(admin: Admin, items: readonly RoleAssignment[], done: () => void): HTMLElement {
  const t = adminTexts();
  const table = new Table<RoleAssignment>({
    caption: t.groups.roles,
    keyOf: ({ id }) => id,
    columns: [
      { label: t.groups.role, cell: ({ role }) => nameIn(t.roles, role) },
      { label: t.groups.givenTo, cell: ({ subject, name }) => `${nameIn(t.access.subjects, subject)} ${name}` },
      { label: t.groups.scope, cell: scopeText },
      {
        label: t.sessions.actions,
        silent: true,
        class: "row-actions",
        cell: (entry) => takeButton(admin, entry, done),
      },
    ],
  });
  table.show(items);
  return table.element;
}

function scopeText({ scope, scopeName }: RoleAssignment): string {
  const t = adminTexts();
  if (scopeName === "") return t.groups.everything;
  return `${scope === "desktop" ? t.fields.aDesktop : t.fields.group} ${scopeName}`;
}

function takeButton(admin: Admin, entry: RoleAssignment, done: () => void): HTMLElement | null {
  // Nobody changes their own roles.
  if (!admin.may("change-role") || (entry.subject === "user" && entry.name === admin.username)) return null;
  const t = adminTexts();
  const role = nameIn(t.roles, entry.role);
  const button = action(
    t.groups.take,
    () =>
      admin.ask({
        question: t.questions.takeRole(role, entry.name),
        grave: true,
        run: () => takeRole(entry.id),
        done,
      }),
    "secondary small",
  );
  button.setAttribute("aria-label", `${t.groups.take} ${role}, ${entry.name}`);
  return button;
}

function askForGroup(admin: Admin): void {
  const t = adminTexts();
  admin.ask({
    question: t.questions.addGroup,
    fields: [{ name: "name", label: t.fields.memberName, kind: "text", longest: NAME_MAX }],
    run: ({ name = "" }) => addGroup(name),
    done: () => admin.open(adminPath("groups")),
  });
}

function askForRole(admin: Admin, done: () => void): void {
  const { fields, questions, roles } = adminTexts();
  const choice = (name: string, label: string, choices: readonly (readonly [string, string])[]): QuestionField => ({
    name,
    label,
    kind: "choice",
    choices,
    longest: 0,
  });
  const given: readonly Role[] = ["helpdesk", "administrator", "auditor"];
  admin.ask({
    question: questions.giveRole,
    fields: [
      choice(
        "role",
        fields.role,
        given.map((role) => [role, nameIn(roles, role)] as const),
      ),
      choice("subject", fields.memberKind, [
        ["user", fields.person],
        ["group", fields.group],
      ]),
      { name: "name", label: fields.memberName, kind: "text", longest: NAME_MAX },
      choice("scope", fields.scope, [
        ["everything", fields.everything],
        ["group", fields.group],
        ["desktop", fields.aDesktop],
      ]),
      { name: "scopeName", label: fields.scopeName, kind: "text", longest: NAME_MAX, optional: true },
    ],
    run: ({ role = "", subject = "", name = "", scope = "", scopeName = "" }) =>
      giveRole({ role, subject, name, scope, scopeName: scope === "everything" ? "" : scopeName }),
    done,
  });
}
