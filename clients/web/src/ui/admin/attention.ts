/** What of the overview needs somebody's attention. Pure. */

import type { Overview, Pool } from "../../gateway/admin/shapes.ts";
import type { Message } from "../message.ts";
import type { AdminMessages } from "./messages.ts";

/** Above this part of the memory a host is short of it. */
const MEMORY_SHORT = 0.9;

/** Returns the messages, the most urgent first. */
export function attentionOf(
  now: Overview,
  texts: AdminMessages["attention"],
  titleOf: (pool: Pool) => string,
): readonly Message[] {
  const found: Message[] = [];
  for (const pool of now.pools)
    if (pool.state === "restrained") found.push(texts.restrained(titleOf(pool), pool.lastError));
  const { memoryUsed, memoryTotal } = now.host;
  const memory = memoryTotal > 0 ? memoryUsed / memoryTotal : 0;
  if (memory > MEMORY_SHORT) found.push(texts.memory(`${Math.round(memory * 100)} %`));
  const failed = now.desktops.failed ?? 0;
  if (failed > 0) found.push(texts.failed(String(failed)));
  for (const pool of now.pools) {
    const { maximum, assigned, ready, maintenance } = pool;
    if (maintenance) found.push(texts.maintenance(titleOf(pool)));
    else if (maximum > 0 && assigned >= maximum && ready === 0) found.push(texts.full(titleOf(pool), String(maximum)));
  }
  return found;
}
