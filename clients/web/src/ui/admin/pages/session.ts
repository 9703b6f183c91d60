/** One session: who, where, its latency by stage, its processes and its badge; and what can be done. */

import { sessionOf } from "../../../gateway/admin/admin_client.ts";
import type { SessionDetail } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { DetailView } from "../detail_view.ts";
import { agoText, numberText, timeText } from "../format.ts";
import { facts, link, section } from "../parts.ts";
import { sessionActions } from "../session_acts.ts";
import { exactnessBar, latencyBars, processTable, sessionState } from "../session_parts.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

export function sessionView(admin: Admin, id: string): View {
  const t = adminTexts();
  const detail = new DetailView<SessionDetail>({
    admin,
    list: "sessions",
    title: t.nav.sessions,
    load: () => sessionOf(id),
    heading: ({ person, desktop }) => (person === "" ? desktop : `${desktop} – ${person}`),
    draw: (session) => draw(admin, session, () => void detail.refresh()),
  });
  return {
    element: detail.element,
    title: t.nav.sessions,
    shown: () => void detail.refresh(),
    changed: ({ topic }) => {
      if (topic === "sessions") detail.changed();
    },
    close: () => detail.close(),
  };
}

function draw(admin: Admin, session: SessionDetail, refresh: () => void): readonly (Node | null)[] {
  const t = adminTexts().sessions;
  const person =
    session.person !== "" && admin.maySee("people")
      ? link(adminPath("people", session.person), session.person)
      : session.person;
  return [
    sessionActions(admin, session, refresh),
    h(
      "div",
      { class: "columns" },
      section(
        t.desktop,
        facts(
          [t.state, sessionState(session)],
          [t.person, person],
          [t.desktop, session.desktop],
          [t.pool, session.pool],
          [t.viewers, numberText(session.viewers)],
          [t.place, session.place],
          [t.address, session.address],
          [t.started, `${timeText(session.since)} (${agoText(session.since, Date.now())})`],
          [t.id, h("code", {}, session.id)],
        ),
      ),
      section(t.latency, latencyBars(session.stages)),
      section(t.processes, processTable(session.processes)),
      section(t.exactness, exactnessBar(session.exactness)),
    ),
  ];
}
