/** The messages of the administration in English: what happened, why, and what to do next. */

import type { MessageGroup } from "../message.ts";

const LATER = "Try again in a moment. If it happens again, the log of the server says why.";

export const englishAdminMessages = {
  noRole: {
    what: "You do not administer Lightbox.",
    why: "Your account has no role, or none for this page.",
    next: "Go back to your desktops, or ask an administrator for a role.",
  },
  nothingHere: {
    what: "There is no such page.",
    why: "The address is mistyped or out of date, or this server does not offer the page.",
    next: "Choose a page from the list on the left.",
  },
  missing: {
    what: "Nothing was done.",
    why: "A field is empty.",
    next: "Fill in all fields.",
  },
  empty: {
    sessions: {
      what: "No desktop runs.",
      why: "Nobody has opened one, and no pool starts any ahead.",
      next: "A desktop appears here as soon as a person opens it.",
    },
    sessionsFound: {
      what: "No desktop matches.",
      why: "None that runs has this text, pool and state.",
      next: "Shorten the text, or choose “All”.",
    },
    pools: {
      what: "There is no pool.",
      why: "No desktop of the configuration has the table `pool`.",
      next: "Add `[desktops.pool]` below a desktop in the configuration, and reload it: docs/pools.md explains how.",
    },
    poolsFound: {
      what: "No pool matches.",
      why: "No name of a pool contains this text.",
      next: "Shorten the text.",
    },
    people: {
      what: "There is no account yet.",
      why: "Nobody was added, and nobody of a directory has signed in.",
      next: "Add a person here, or connect a directory: docs/directory.md explains how.",
    },
    peopleFound: {
      what: "No person matches.",
      why: "No name or username contains this text.",
      next: "Try a part of the name. People of a directory appear after their first sign-in.",
    },
    groups: {
      what: "There is no group.",
      why: "Neither the configuration nor the directory has named one.",
      next: "Add one with `lightbox groups add NAME`.",
    },
    groupsFound: {
      what: "No group matches.",
      why: "No name of a group contains this text.",
      next: "Shorten the text.",
    },
    members: {
      what: "This group has no members.",
      why: "Nobody was added yet.",
      next: "Add a person or another group.",
    },
    roles: {
      what: "Nobody has a role.",
      why: "None was given yet.",
      next: "Give one with `lightbox roles give`.",
    },
    entitlements: {
      what: "Nobody is entitled to a desktop.",
      why: "Neither the configuration nor an administrator has entitled anybody.",
      next: "Entitle a person, a group or everybody with the button above.",
    },
    entitlementsFound: {
      what: "No entitlement matches.",
      why: "None names a person, group or desktop with this text.",
      next: "Shorten the text.",
    },
    devices: {
      what: "No device is enrolled.",
      why: "An administrator enrols a device on the device itself.",
      next: "Open Lightbox on the device, sign in as administrator, and enrol it there.",
    },
    devicesFound: {
      what: "No device matches.",
      why: "No name, place or tag contains this text.",
      next: "Shorten the text.",
    },
    assignments: {
      what: "No desktop of this pool belongs to anybody.",
      why: "None was given yet.",
      next: "Give one with the button above, or let people who are entitled open it.",
    },
    noPolicies: {
      what: "There is no policy.",
      why: "The configuration and the defaults decide on everything.",
      next: "Add a policy to change a setting for a group, a desktop, a network or devices with a tag.",
    },
    policiesFound: {
      what: "No policy matches.",
      why: "None has this text in its name, conditions or settings.",
      next: "Shorten the text.",
    },
    policies: {
      what: "No setting applies.",
      why: "No rule of the policy is for this person and desktop.",
      next: "Check both names.",
    },
    audit: {
      what: "No entry matches.",
      why: "Nothing of this kind was recorded in this time.",
      next: "Widen the time, or remove a filter.",
    },
    use: {
      what: "Nothing was recorded yet.",
      why: "The use of pools is recorded once per hour.",
      next: "Look again in an hour.",
    },
    processes: {
      what: "The processes are not known.",
      why: "The desktop starts, or does not tell the server about them.",
      next: LATER,
    },
    latency: {
      what: "No latency is known.",
      why: "Nobody displays this desktop at the moment.",
      next: "It appears as soon as the person looks at the desktop.",
    },
    exactness: {
      what: "The state of the badge is not known.",
      why: "It is recorded while somebody displays the desktop.",
      next: "It appears as soon as the person looks at the desktop.",
    },
  },
  attention: {
    restrained: (pool: string, error: string) => ({
      what: `The pool “${pool}” starts no desktops.`,
      why: error === "" ? "Its desktops failed again and again." : `Its desktops failed again and again: ${error}`,
      next: "Mend the cause. The pool tries again by itself after pauses.",
    }),
    maintenance: (pool: string) => ({
      what: `The pool “${pool}” is in maintenance.`,
      why: "An administrator took it out of service.",
      next: "Take it into service again on the page Pools when the work is done.",
    }),
    full: (pool: string, maximum: string) => ({
      what: `All ${maximum} desktops of the pool “${pool}” are in use.`,
      why: "Whoever comes next gets none.",
      next: "End desktops that nobody needs, or raise `maximum` in the configuration.",
    }),
    failed: (count: string) => ({
      what: `${count} desktops have failed.`,
      why: "Their programs or their X server ended unexpectedly.",
      next: "Look for the reason in the log of the server.",
    }),
    memory: (percent: string) => ({
      what: `${percent} of the memory of the host are in use.`,
      why: "The desktops need more than expected.",
      next: "End desktops that nobody uses, or give the host more memory.",
    }),
  },
} satisfies MessageGroup;

export type AdminMessages = typeof englishAdminMessages;
