/** The enrolled devices. */

import { listDevices } from "../../../gateway/admin/admin_client.ts";
import type { Device } from "../../../gateway/admin/shapes.ts";
import { shortTimeText } from "../format.ts";
import { ListView } from "../list_view.ts";
import { Table } from "../table.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

export function devicesView(admin: Admin): View {
  const t = adminTexts();
  const d = t.devices;
  const table = new Table<Device>({
    caption: t.nav.devices,
    keyOf: ({ id }) => id,
    columns: [
      { label: d.name, cell: ({ name }) => name },
      { label: d.place, cell: ({ place }) => place || "–" },
      { label: d.tags, cell: ({ tags }) => tags.join(", ") || "–" },
      { label: d.person, cell: ({ person }) => person || "–" },
      { label: d.lastSeen, class: "number", cell: ({ lastSeen }) => shortTimeText(lastSeen, Date.now()) },
      { label: d.enrolled, class: "number wide", cell: ({ enrolled }) => shortTimeText(enrolled, Date.now()) },
    ],
  });
  const list = new ListView<Device>({
    admin,
    title: t.nav.devices,
    table,
    load: listDevices,
    searchLabel: d.search,
    empty: t.messages.empty.devices,
    nothingFound: t.messages.empty.devicesFound,
  });
  return {
    element: list.element,
    title: t.nav.devices,
    search: list.search,
    shown: () => void list.refresh(),
    close: () => list.close(),
  };
}
