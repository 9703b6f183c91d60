/** Creates the pages of the administration by their names. */

import type { AdminPageName } from "./admin_route.ts";
import { accessView } from "./pages/access.ts";
import { auditView } from "./pages/audit.ts";
import { devicesView } from "./pages/devices.ts";
import { groupView } from "./pages/group.ts";
import { groupsView } from "./pages/groups.ts";
import { healthView } from "./pages/health.ts";
import { helpView } from "./pages/help.ts";
import { overviewView } from "./pages/overview.ts";
import { peopleView } from "./pages/people.ts";
import { personView } from "./pages/person.ts";
import { policiesView } from "./pages/policies.ts";
import { poolView } from "./pages/pool.ts";
import { poolsView } from "./pages/pools.ts";
import { sessionView } from "./pages/session.ts";
import { sessionsView } from "./pages/sessions.ts";
import { useView } from "./pages/use.ts";
import type { Admin, View } from "./view.ts";

type Create = (admin: Admin, item: string | null) => View;

const VIEWS: Readonly<Record<AdminPageName, Create>> = {
  help: helpView,
  overview: overviewView,
  sessions: (admin, item) => (item === null ? sessionsView(admin) : sessionView(admin, item)),
  pools: (admin, item) => (item === null ? poolsView(admin) : poolView(admin, item)),
  people: (admin, item) => (item === null ? peopleView(admin) : personView(admin, item)),
  groups: (admin, item) => (item === null ? groupsView(admin) : groupView(admin, item)),
  access: accessView,
  devices: devicesView,
  policies: policiesView,
  audit: auditView,
  use: useView,
  health: healthView,
};

export function createView(admin: Admin, page: AdminPageName, item: string | null): View {
  return VIEWS[page](admin, item);
}
