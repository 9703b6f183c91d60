/** The audit: search, and whether its chain is intact. */

import { listAudit, verifyAudit } from "../../../gateway/admin/admin_client.ts";
import type { AuditEntry } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { auditFilterValue } from "../audit_filter.ts";
import { AUDIT_ACTIONS, auditActionName } from "../audit_names.ts";
import { numberText, timeText } from "../format.ts";
import { ListView } from "../list_view.ts";
import { state } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

export function auditView(admin: Admin): View {
  const t = adminTexts();
  const a = t.audit;
  const table = new Table<AuditEntry>({
    caption: t.nav.audit,
    keyOf: ({ seq }) => String(seq),
    columns: [
      { label: a.at, class: "time", cell: ({ at }) => timeText(at) },
      { label: a.account, cell: ({ account }) => account || "–" },
      { label: a.action, cell: ({ action }) => auditActionName(action) },
      { label: a.object, cell: ({ object }) => object || "–" },
      { label: a.outcome, cell: ({ outcome }) => state(outcome, a.outcomes) },
      { label: a.address, class: "wide", cell: ({ address }) => address || "–" },
      { label: a.reason, class: "wide clipped", cell: ({ reason }) => reason || "–" },
    ],
  });
  const list = new ListView<AuditEntry>({
    admin,
    title: t.nav.audit,
    table,
    load: listAudit,
    searchLabel: a.search,
    filters: [
      { name: "account", label: a.account, kind: "text" },
      {
        name: "action",
        label: a.action,
        kind: "choice",
        options: AUDIT_ACTIONS.map((action) => [action, auditActionName(action)] as const),
      },
      { name: "from", label: a.from, kind: "date" },
      { name: "to", label: a.to, kind: "date" },
    ],
    banner: verification(admin),
    filterValue: auditFilterValue,
    empty: t.messages.empty.audit,
    nothingFound: t.messages.empty.audit,
  });
  return {
    element: list.element,
    title: t.nav.audit,
    search: list.search,
    shown: () => void list.refresh(),
    close: () => list.close(),
  };
}

/** Says whether the chain is intact, when somebody asks: every entry is read for it. */
function verification(admin: Admin): HTMLElement {
  const a = adminTexts().audit;
  const result = h(
    "span",
    { class: "verification", attrs: { role: "status", "data-intact": "unknown" } },
    a.notVerified,
  );
  const findings = h("ul", { class: "findings" });
  const verify = async (): Promise<void> => {
    button.disabled = true;
    result.textContent = a.verifying;
    const answer = await verifyAudit();
    button.disabled = false;
    if (!answer.ok) {
      const reason = admin.messageOf(answer.failure);
      result.dataset.intact = "unknown";
      result.textContent = reason === null ? "" : sentences(reason);
      return;
    }
    const { intact, entries } = answer.value;
    result.dataset.intact = String(intact);
    result.textContent = intact ? a.intact(numberText(entries)) : a.notIntact;
    findings.replaceChildren(...answer.value.findings.map((text) => h("li", {}, text)));
  };
  const button = h(
    "button",
    { class: "secondary small", attrs: { type: "button" }, on: { click: () => void verify() } },
    a.verify,
  );
  return h("div", { class: "verification-bar" }, result, admin.may("verify-audit") ? button : null, findings);
}
