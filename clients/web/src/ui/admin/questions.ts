/** What the administration asks before it acts, in English. Each question says what will happen, and to whom. */

/** A question before an act: `effects` are whole sentences, and `act` is the name of the button that does it. */
export interface Question {
  readonly title: string;
  readonly effects: readonly string[];
  readonly act: string;
  /** What the page says when it was done. */
  readonly done: string;
}

export const englishQuestions = {
  endSession: (person: string, desktop: string, viewers: string): Question => ({
    title: `End the desktop “${desktop}” of ${person}?`,
    effects: [
      "All its programs are ended, and work that is not saved is lost.",
      `Its open windows (${viewers}) are disconnected, and say that an administrator ended the desktop.`,
    ],
    act: "End the desktop",
    done: `The desktop “${desktop}” of ${person} is being ended.`,
  }),
  restartSession: (person: string, desktop: string): Question => ({
    title: `Restart the display of “${desktop}” of ${person}?`,
    effects: [
      "The picture is away for a few seconds and comes back by itself.",
      "Programs go on, and nothing is lost.",
    ],
    act: "Restart the display",
    done: `The display of “${desktop}” of ${person} is being restarted.`,
  }),
  sendMessage: (person: string, desktop: string): Question => ({
    title: `Send a message to ${person}?`,
    effects: [`It is shown on “${desktop}” and on every page on which ${person} is signed in.`],
    act: "Send",
    done: `The message to ${person} is sent.`,
  }),
  signOut: (person: string): Question => ({
    title: `Sign ${person} out everywhere?`,
    effects: [
      `Every browser in which ${person} is signed in shows the sign-in page.`,
      "Their desktops go on, and are there after the next sign-in.",
    ],
    act: "Sign out everywhere",
    done: `${person} is signed out everywhere.`,
  }),
  disable: (person: string): Question => ({
    title: `Disable the account of ${person}?`,
    effects: [
      `${person} is signed out everywhere and cannot sign in until the account is enabled again.`,
      "Their files, groups and entitlements stay.",
    ],
    act: "Disable the account",
    done: `The account of ${person} is disabled.`,
  }),
  enable: (person: string): Question => ({
    title: `Enable the account of ${person}?`,
    effects: [`${person} can sign in again, with the password and the second factor from before.`],
    act: "Enable the account",
    done: `The account of ${person} is enabled.`,
  }),
  resetPassword: (person: string): Question => ({
    title: `Set a new password for ${person}?`,
    effects: [
      `${person} is signed out everywhere and signs in with the new password from then on.`,
      "Give it to the person in private. They can change it in “My sign-in”.",
    ],
    act: "Set the password",
    done: `${person} has a new password.`,
  }),
  resetFactor: (person: string): Question => ({
    title: `Reset the second factor of ${person}?`,
    effects: [
      "The authenticator app, all passkeys and recovery codes of this person stop working.",
      `${person} is signed out everywhere.`,
      `Make sure that you speak with ${person}: until they set up a new factor, the password is enough.`,
    ],
    act: "Reset the second factor",
    done: `The second factor of ${person} is reset.`,
  }),
  addPerson: {
    title: "Add a person?",
    effects: [
      "The person can sign in at once, with this username and password.",
      "They see a desktop as soon as something entitles them to one.",
    ],
    act: "Add the person",
    done: "The person is added.",
  } as Question,
  addGroup: {
    title: "Add a group?",
    effects: ["It has no members, entitlements and roles at first."],
    act: "Add the group",
    done: "The group is added.",
  } as Question,
  deleteGroup: (group: string): Question => ({
    title: `Delete the group ${group}?`,
    effects: [
      "Its members keep their accounts, and lose the entitlements and roles that only this group gives.",
      "Open desktops to which nothing else entitles them are closed as the configuration says: after a warning, at sign-out, or at once.",
    ],
    act: "Delete the group",
    done: `The group ${group} is deleted.`,
  }),
  giveRole: {
    title: "Give somebody a role?",
    effects: [
      "The helpdesk helps people with their desktops. An administrator changes everything but the audit. An auditor reads everything.",
      "The role applies at once.",
    ],
    act: "Give the role",
    done: "The role is given.",
  } as Question,
  takeRole: (role: string, name: string): Question => ({
    title: `Take the role ${role} away from ${name}?`,
    effects: [`${name} loses what only this role allows, at once.`],
    act: "Take the role away",
    done: `${name} does not have the role ${role} any more.`,
  }),
  addMember: (group: string): Question => ({
    title: `Add a member to the group ${group}?`,
    effects: ["The member gets all entitlements and roles that the group has, at once."],
    act: "Add the member",
    done: `The group ${group} has a new member.`,
  }),
  removeMember: (member: string, group: string): Question => ({
    title: `Remove ${member} from the group ${group}?`,
    effects: [
      `${member} loses the entitlements and roles that only this group gives.`,
      "Open desktops to which nothing else entitles them are closed as the configuration says: after a warning, at sign-out, or at once.",
    ],
    act: "Remove the member",
    done: `${member} is no member of ${group} any more.`,
  }),
  addEntitlement: {
    title: "Entitle somebody to a desktop?",
    effects: ["They see the desktop in their list at once."],
    act: "Entitle",
    done: "The entitlement is added.",
  } as Question,
  removeEntitlement: (who: string, desktop: string): Question => ({
    title: `Remove the entitlement of ${who} to “${desktop}”?`,
    effects: [
      "They do not see the desktop any more, unless something else entitles them to it.",
      "Where it is open it is closed as the configuration says: after a warning, at sign-out, or at once.",
    ],
    act: "Remove the entitlement",
    done: `${who} is not entitled to “${desktop}” any more.`,
  }),
  maintain: (pool: string, spare: string, assigned: string): Question => ({
    title: `Take the pool “${pool}” out of service?`,
    effects: [
      `Its spare desktops (${spare}) end, and nobody gets a new desktop of this pool.`,
      `People who use one go on (${assigned}).`,
    ],
    act: "Take out of service",
    done: `The pool “${pool}” is out of service.`,
  }),
  resume: (pool: string): Question => ({
    title: `Take the pool “${pool}” into service?`,
    effects: ["Spare desktops are started, and people get desktops of this pool again."],
    act: "Take into service",
    done: `The pool “${pool}” is in service.`,
  }),
  recompose: (pool: string): Question => ({
    title: `Change the version of the pool “${pool}”?`,
    effects: [
      "One desktop in ten starts with the new version first. If these work, the others follow.",
      "People go on with the desktops that they have, until these end or the time below is over.",
    ],
    act: "Change the version",
    done: `The pool “${pool}” changes its version.`,
  }),
  rollBack: (pool: string, version: string): Question => ({
    title: `Return the pool “${pool}” to the version before?`,
    effects: [
      `Desktops that start do not get the version ${version} any more, at once.`,
      "People go on with the desktops that they have.",
    ],
    act: "Return to the version before",
    done: `The pool “${pool}” returns to the version before.`,
  }),
  assign: (pool: string): Question => ({
    title: `Give somebody a desktop of the pool “${pool}”?`,
    effects: ["The desktop and its files are theirs until it is taken away. They need an entitlement to open it."],
    act: "Give the desktop",
    done: `A desktop of the pool “${pool}” is given.`,
  }),
  release: (person: string, pool: string): Question => ({
    title: `Take the desktop of the pool “${pool}” away from ${person}?`,
    effects: ["The desktop ends, and unsaved work is lost.", `All files of ${person} on it are deleted for good.`],
    act: "Take away and delete",
    done: `The desktop of ${person} is taken away.`,
  }),
  addPolicy: {
    title: "Add a policy?",
    effects: [
      "It applies at once, to everybody for whom all of its conditions hold. Without a condition that is everybody.",
    ],
    act: "Add the policy",
    done: "The policy is in force.",
  } as Question,
  changePolicy: (name: string): Question => ({
    title: `Change the policy ${name}?`,
    effects: [
      "What is written here replaces the whole policy, at once, for everybody for whom all of its conditions hold.",
    ],
    act: "Change the policy",
    done: `The policy ${name} is changed.`,
  }),
  removePolicy: (name: string): Question => ({
    title: `Remove the policy ${name}?`,
    effects: ["Its settings do not apply any more, at once. Other policies, the configuration or the defaults do."],
    act: "Remove the policy",
    done: `The policy ${name} is removed.`,
  }),
  retry: (pool: string): Question => ({
    title: `Let the pool “${pool}” try now?`,
    effects: ["It starts desktops at once instead of after its pause. Do this when the cause is mended."],
    act: "Try now",
    done: `The pool “${pool}” starts desktops again.`,
  }),
};

export type Questions = typeof englishQuestions;

/** The fields of the questions. */
export const englishFields = {
  message: "Message",
  username: "Username",
  displayName: "Name that others see",
  password: "Password",
  passwordOrMade: "Password (empty: Lightbox makes one)",
  openDesktops: "Open desktops",
  withinMinutes: "Desktops of the former version end after, min (empty: never by force)",
  goOn: "go on",
  end: "end, unsaved work is lost",
  role: "Role",
  scope: "For",
  scopeName: "Name of that group or desktop (helpdesk only)",
  everything: "Everything",
  memberKind: "Who",
  memberName: "Name",
  desktop: "Desktop, by its name in the configuration",
  aDesktop: "Desktop",
  person: "Person",
  group: "Group",
  everybody: "Everybody",
};

export type FieldTexts = typeof englishFields;
