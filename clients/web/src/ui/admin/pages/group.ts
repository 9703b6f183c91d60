/** One group with its members. */

import { addMember, deleteGroup, groupOf, removeMember } from "../../../gateway/admin/admin_client.ts";
import type { GroupDetail, Member } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { DetailView } from "../detail_view.ts";
import { emptyState } from "../list_view.ts";
import { action, section } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Longest name, characters. */
const NAME_MAX = 64;

export function groupView(admin: Admin, name: string): View {
  const t = adminTexts();
  const detail = new DetailView<GroupDetail>({
    admin,
    list: "groups",
    title: name,
    load: () => groupOf(name),
    heading: (group) => group.name,
    draw: (group) => draw(admin, group, () => void detail.refresh()),
  });
  return {
    element: detail.element,
    title: t.nav.groups,
    shown: () => void detail.refresh(),
    close: () => detail.close(),
  };
}

function draw(admin: Admin, group: GroupDetail, done: () => void): readonly (Node | null)[] {
  const t = adminTexts();
  const ofDirectory = group.origin !== "local";
  const change = admin.may("change-group") && !ofDirectory;
  const add = (): void =>
    admin.ask({
      question: t.questions.addMember(group.name),
      fields: [
        {
          name: "kind",
          label: t.fields.memberKind,
          kind: "choice",
          choices: [
            ["person", t.fields.person],
            ["group", t.fields.group],
          ],
          longest: NAME_MAX,
        },
        { name: "name", label: t.fields.memberName, kind: "text", longest: NAME_MAX },
      ],
      run: ({ kind, name = "" }) => addMember(group.name, kind === "group" ? "group" : "person", name),
      done,
    });
  const remove = (): void =>
    admin.ask({
      question: t.questions.deleteGroup(group.name),
      grave: true,
      run: () => deleteGroup(group.name),
      done: () => admin.open(adminPath("groups")),
    });
  return [
    change
      ? h(
          "div",
          { class: "actions" },
          action(t.groups.add, add),
          action(t.groups.deleteGroup, remove, "secondary grave"),
        )
      : null,
    section(
      t.groups.members,
      ofDirectory ? h("p", { class: "muted" }, t.groups.ofDirectory) : null,
      group.members.length === 0 ? emptyState(t.messages.empty.members) : memberTable(admin, group, change, done),
    ),
  ];
}

function memberTable(admin: Admin, group: GroupDetail, change: boolean, done: () => void): HTMLElement {
  const t = adminTexts();
  const remove = ({ kind, name }: Member): HTMLElement => {
    const button = action(
      t.groups.remove,
      () =>
        admin.ask({
          question: t.questions.removeMember(name, group.name),
          grave: true,
          run: () => removeMember(group.name, kind, name),
          done,
        }),
      "secondary small",
    );
    button.setAttribute("aria-label", `${t.groups.remove} ${name}`);
    return button;
  };
  const table = new Table<Member>({
    caption: t.groups.members,
    keyOf: ({ kind, name }) => `${kind} ${name}`,
    hrefOf: ({ kind, name }) => adminPath(kind === "group" ? "groups" : "people", name),
    columns: [
      { label: t.fields.memberName, cell: ({ name }) => name },
      { label: t.fields.memberKind, cell: ({ kind }) => (kind === "group" ? t.fields.group : t.fields.person) },
      ...(change
        ? [{ label: t.sessions.actions, silent: true, class: "row-actions", cell: (member: Member) => remove(member) }]
        : []),
    ],
  });
  table.show(group.members);
  return table.element;
}
