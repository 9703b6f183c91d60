/** What the administration asks before it acts, in Korean. It says the same as `questions.ts`. */

import type { FieldTexts, Questions } from "./questions.ts";

export const koreanQuestions: Questions = {
  endSession: (person, desktop, viewers) => ({
    title: `${person} 님의 데스크톱 “${desktop}”을(를) 종료할까요?`,
    effects: [
      "모든 프로그램이 종료되고, 저장하지 않은 작업은 사라집니다.",
      `${person} 님의 열린 창 ${viewers}개의 연결이 끊어지고, 관리자가 종료했다고 표시됩니다.`,
    ],
    act: "데스크톱 종료",
    done: `${person} 님의 데스크톱 “${desktop}”을(를) 종료하는 중입니다.`,
  }),
  restartSession: (person, desktop) => ({
    title: `${person} 님의 데스크톱 “${desktop}” 화면을 다시 시작할까요?`,
    effects: [
      "화면이 몇 초 동안 사라졌다가 저절로 돌아옵니다.",
      "프로그램은 계속 실행되며 아무것도 사라지지 않습니다.",
    ],
    act: "화면 다시 시작",
    done: `${person} 님의 데스크톱 “${desktop}” 화면을 다시 시작하는 중입니다.`,
  }),
  sendMessage: (person, desktop) => ({
    title: `${person} 님에게 메시지를 보낼까요?`,
    effects: [`데스크톱 “${desktop}”과(와) ${person} 님이 로그인한 모든 페이지에 표시됩니다.`],
    act: "보내기",
    done: `${person} 님에게 메시지를 보냈습니다.`,
  }),
  signOut: (person) => ({
    title: `${person} 님을 모든 곳에서 로그아웃할까요?`,
    effects: [
      `${person} 님이 로그인한 모든 브라우저가 로그인 페이지로 바뀝니다.`,
      "데스크톱은 계속 실행되며 다시 로그인하면 그대로 있습니다.",
    ],
    act: "모든 곳에서 로그아웃",
    done: `${person} 님이 모든 곳에서 로그아웃되었습니다.`,
  }),
  disable: (person) => ({
    title: `${person} 님의 계정을 사용 중지할까요?`,
    effects: [
      `${person} 님은 모든 곳에서 로그아웃되고, 다시 사용하게 할 때까지 로그인할 수 없습니다.`,
      "파일, 그룹, 사용 권한은 그대로 남습니다.",
    ],
    act: "계정 사용 중지",
    done: `${person} 님의 계정을 사용 중지했습니다.`,
  }),
  enable: (person) => ({
    title: `${person} 님의 계정을 다시 사용하게 할까요?`,
    effects: [`${person} 님은 이전의 비밀번호와 2단계 인증으로 다시 로그인할 수 있습니다.`],
    act: "계정 다시 사용",
    done: `${person} 님의 계정을 다시 사용할 수 있습니다.`,
  }),
  resetPassword: (person) => ({
    title: `${person} 님의 새 비밀번호를 정할까요?`,
    effects: [
      `${person} 님은 모든 곳에서 로그아웃되고, 그때부터 새 비밀번호로 로그인합니다.`,
      "본인에게만 직접 알려 주세요. 본인은 “내 로그인”에서 비밀번호를 바꿀 수 있습니다.",
    ],
    act: "비밀번호 정하기",
    done: `${person} 님의 새 비밀번호를 정했습니다.`,
  }),
  resetFactor: (person) => ({
    title: `${person} 님의 2단계 인증을 초기화할까요?`,
    effects: [
      "이 사람의 인증 앱, 모든 패스키와 복구 코드를 더 이상 쓸 수 없습니다.",
      `${person} 님은 모든 곳에서 로그아웃됩니다.`,
      `${person} 님 본인인지 확인하세요. 새로 설정할 때까지는 비밀번호만으로 로그인할 수 있습니다.`,
    ],
    act: "2단계 인증 초기화",
    done: `${person} 님의 2단계 인증을 초기화했습니다.`,
  }),
  addPerson: {
    title: "사람을 추가할까요?",
    effects: [
      "이 사용자 이름과 비밀번호로 바로 로그인할 수 있습니다.",
      "데스크톱의 사용 권한이 생기면 목록에 데스크톱이 나타납니다.",
    ],
    act: "사람 추가",
    done: "사람을 추가했습니다.",
  },
  addGroup: {
    title: "그룹을 추가할까요?",
    effects: ["처음에는 구성원, 사용 권한, 역할이 없습니다."],
    act: "그룹 추가",
    done: "그룹을 추가했습니다.",
  },
  deleteGroup: (group) => ({
    title: `그룹 ${group}을(를) 삭제할까요?`,
    effects: [
      "구성원의 계정은 남고, 이 그룹만이 주는 사용 권한과 역할은 사라집니다.",
      "다른 사용 권한이 없는 열린 데스크톱은 설정에 따라 경고 후, 로그아웃할 때, 또는 바로 닫힙니다.",
    ],
    act: "그룹 삭제",
    done: `그룹 ${group}을(를) 삭제했습니다.`,
  }),
  giveRole: {
    title: "역할을 부여할까요?",
    effects: [
      "헬프데스크는 사람들의 데스크톱을 돕습니다. 관리자는 감사 기록을 뺀 모든 것을 바꿉니다. 감사자는 모든 것을 읽습니다.",
      "역할은 바로 적용됩니다.",
    ],
    act: "역할 부여",
    done: "역할을 부여했습니다.",
  },
  takeRole: (role, name) => ({
    title: `${name}의 역할(${role})을 회수할까요?`,
    effects: [`${name}은(는) 이 역할만이 허용하는 일을 바로 할 수 없게 됩니다.`],
    act: "역할 회수",
    done: `${name}의 역할(${role})을 회수했습니다.`,
  }),
  addMember: (group) => ({
    title: `그룹 ${group}에 구성원을 추가할까요?`,
    effects: ["구성원은 그룹의 모든 사용 권한과 역할을 바로 얻습니다."],
    act: "구성원 추가",
    done: `그룹 ${group}에 구성원을 추가했습니다.`,
  }),
  removeMember: (member, group) => ({
    title: `${member}을(를) 그룹 ${group}에서 제거할까요?`,
    effects: [
      `${member}은(는) 이 그룹만이 주는 사용 권한과 역할을 잃습니다.`,
      "다른 사용 권한이 없는 열린 데스크톱은 설정에 따라 경고 후, 로그아웃할 때, 또는 바로 닫힙니다.",
    ],
    act: "구성원 제거",
    done: `${member}은(는) 이제 ${group}의 구성원이 아닙니다.`,
  }),
  addEntitlement: {
    title: "데스크톱의 사용 권한을 줄까요?",
    effects: ["데스크톱이 바로 목록에 나타납니다."],
    act: "권한 주기",
    done: "사용 권한을 추가했습니다.",
  },
  removeEntitlement: (who, desktop) => ({
    title: `“${desktop}”에 대한 ${who}의 사용 권한을 제거할까요?`,
    effects: [
      "다른 사용 권한이 없으면 데스크톱이 목록에서 사라집니다.",
      "열려 있는 곳에서는 설정에 따라 경고 후, 로그아웃할 때, 또는 바로 닫힙니다.",
    ],
    act: "사용 권한 제거",
    done: `${who}의 “${desktop}” 사용 권한을 제거했습니다.`,
  }),
  maintain: (pool, spare, assigned) => ({
    title: `풀 “${pool}”을(를) 점검 상태로 바꿀까요?`,
    effects: [
      `대기 중인 데스크톱 ${spare}개가 종료되고, 아무도 이 풀의 새 데스크톱을 얻지 못합니다.`,
      `사용 중인 ${assigned}명은 계속 사용합니다.`,
    ],
    act: "점검 시작",
    done: `풀 “${pool}”이(가) 점검 상태입니다.`,
  }),
  resume: (pool) => ({
    title: `풀 “${pool}”을(를) 다시 서비스할까요?`,
    effects: ["대기 데스크톱이 시작되고, 사람들이 이 풀의 데스크톱을 다시 얻습니다."],
    act: "서비스 재개",
    done: `풀 “${pool}”을(를) 다시 서비스합니다.`,
  }),
  recompose: (pool) => ({
    title: `풀 “${pool}”의 버전을 바꿀까요?`,
    effects: [
      "먼저 데스크톱 열 개 중 하나가 새 버전으로 시작됩니다. 문제가 없으면 나머지도 바뀝니다.",
      "사람들은 데스크톱이 끝나거나 아래의 시간이 지날 때까지 지금 데스크톱을 계속 사용합니다.",
    ],
    act: "버전 바꾸기",
    done: `풀 “${pool}”의 버전을 바꾸는 중입니다.`,
  }),
  rollBack: (pool, version) => ({
    title: `풀 “${pool}”을(를) 이전 버전으로 되돌릴까요?`,
    effects: [
      `이제부터 시작되는 데스크톱에는 ${version} 버전을 쓰지 않습니다.`,
      "사람들은 지금 데스크톱을 계속 사용합니다.",
    ],
    act: "이전 버전으로 되돌리기",
    done: `풀 “${pool}”을(를) 이전 버전으로 되돌리는 중입니다.`,
  }),
  assign: (pool) => ({
    title: `풀 “${pool}”의 데스크톱을 배정할까요?`,
    effects: ["회수할 때까지 데스크톱과 파일은 그 사람의 것입니다. 열려면 사용 권한도 있어야 합니다."],
    act: "데스크톱 배정",
    done: `풀 “${pool}”의 데스크톱을 배정했습니다.`,
  }),
  release: (person, pool) => ({
    title: `${person} 님에게서 풀 “${pool}”의 데스크톱을 회수할까요?`,
    effects: ["데스크톱이 종료되고 저장하지 않은 작업은 사라집니다.", `${person} 님의 파일이 모두 영구히 삭제됩니다.`],
    act: "회수하고 삭제",
    done: `${person} 님의 데스크톱을 회수했습니다.`,
  }),
  addPolicy: {
    title: "정책을 추가할까요?",
    effects: ["모든 조건에 맞는 사람에게 바로 적용됩니다. 조건이 없으면 모든 사람에게 적용됩니다."],
    act: "정책 추가",
    done: "정책이 적용되었습니다.",
  },
  changePolicy: (name) => ({
    title: `정책 ${name}을(를) 바꿀까요?`,
    effects: ["여기에 적은 내용이 정책 전체를 대신하며, 모든 조건에 맞는 사람에게 바로 적용됩니다."],
    act: "정책 바꾸기",
    done: `정책 ${name}을(를) 바꾸었습니다.`,
  }),
  removePolicy: (name) => ({
    title: `정책 ${name}을(를) 제거할까요?`,
    effects: ["설정이 바로 적용되지 않게 됩니다. 다른 정책, 서버 설정 또는 기본값이 적용됩니다."],
    act: "정책 제거",
    done: `정책 ${name}을(를) 제거했습니다.`,
  }),
  retry: (pool) => ({
    title: `풀 “${pool}”을(를) 지금 다시 시도할까요?`,
    effects: ["풀이 기다리지 않고 바로 데스크톱을 시작합니다. 원인을 해결한 다음에 하세요."],
    act: "지금 다시 시도",
    done: `풀 “${pool}”이(가) 데스크톱을 다시 시작합니다.`,
  }),
};

export const koreanFields: FieldTexts = {
  message: "메시지",
  username: "사용자 이름",
  displayName: "다른 사람에게 보이는 이름",
  password: "비밀번호",
  passwordOrMade: "비밀번호(비워 두면 Lightbox가 만듭니다)",
  openDesktops: "열린 데스크톱",
  withinMinutes: "이전 버전 데스크톱을 종료할 때까지의 시간(분, 비우면 강제 종료 안 함)",
  goOn: "계속 실행",
  end: "종료(저장하지 않은 작업은 사라짐)",
  role: "역할",
  scope: "범위",
  scopeName: "그 그룹이나 데스크톱의 이름(헬프데스크만)",
  everything: "전체",
  memberKind: "대상",
  memberName: "이름",
  desktop: "데스크톱(설정에 있는 이름)",
  aDesktop: "데스크톱",
  person: "사람",
  group: "그룹",
  everybody: "모든 사람",
};
