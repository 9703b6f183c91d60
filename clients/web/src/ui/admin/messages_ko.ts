/** The messages of the administration in Korean. They say the same as those in `messages.ts`. */

import type { AdminMessages } from "./messages.ts";

const LATER = "잠시 후 다시 시도하세요. 또 발생하면 서버의 로그에 이유가 있습니다.";
const SHORTER = "검색어를 줄여 보세요.";

export const koreanAdminMessages: AdminMessages = {
  noRole: {
    what: "관리 권한이 없습니다.",
    why: "계정에 역할이 없거나, 이 페이지를 볼 수 있는 역할이 아닙니다.",
    next: "데스크톱 목록으로 돌아가거나 관리자에게 역할을 요청하세요.",
  },
  nothingHere: {
    what: "이런 페이지는 없습니다.",
    why: "주소가 잘못되었거나 오래되었거나, 이 서버에 없는 페이지입니다.",
    next: "왼쪽 목록에서 페이지를 선택하세요.",
  },
  missing: {
    what: "아무것도 하지 않았습니다.",
    why: "비어 있는 칸이 있습니다.",
    next: "모든 칸을 채우세요.",
  },
  empty: {
    sessions: {
      what: "실행 중인 데스크톱이 없습니다.",
      why: "아무도 열지 않았고, 미리 시작하는 풀도 없습니다.",
      next: "누군가 데스크톱을 열면 여기에 나타납니다.",
    },
    sessionsFound: {
      what: "맞는 데스크톱이 없습니다.",
      why: "실행 중인 데스크톱 가운데 이 검색어, 풀, 상태에 맞는 것이 없습니다.",
      next: "검색어를 줄이거나 “전체”를 선택하세요.",
    },
    pools: {
      what: "풀이 없습니다.",
      why: "설정에 `pool` 표가 있는 데스크톱이 없습니다.",
      next: "설정의 데스크톱 아래에 `[desktops.pool]`을 추가하고 다시 읽게 하세요. docs/pools.md에 설명이 있습니다.",
    },
    poolsFound: {
      what: "맞는 풀이 없습니다.",
      why: "이 검색어가 들어 있는 풀 이름이 없습니다.",
      next: SHORTER,
    },
    people: {
      what: "아직 계정이 없습니다.",
      why: "추가한 사람이 없고, 디렉터리의 사람이 로그인한 적도 없습니다.",
      next: "여기에서 사람을 추가하거나 디렉터리를 연결하세요. docs/directory.md에 설명이 있습니다.",
    },
    peopleFound: {
      what: "맞는 사람이 없습니다.",
      why: "이 검색어가 들어 있는 이름이나 사용자 이름이 없습니다.",
      next: "이름의 일부만 입력해 보세요. 디렉터리의 사람은 처음 로그인한 다음에 나타납니다.",
    },
    groups: {
      what: "그룹이 없습니다.",
      why: "설정에도 디렉터리에도 그룹이 없습니다.",
      next: "`lightbox groups add 이름`으로 추가하세요.",
    },
    groupsFound: {
      what: "맞는 그룹이 없습니다.",
      why: "이 검색어가 들어 있는 그룹 이름이 없습니다.",
      next: SHORTER,
    },
    members: {
      what: "이 그룹에는 구성원이 없습니다.",
      why: "아직 아무도 추가하지 않았습니다.",
      next: "사람이나 다른 그룹을 추가하세요.",
    },
    roles: {
      what: "역할을 받은 사람이 없습니다.",
      why: "아직 아무 역할도 부여하지 않았습니다.",
      next: "`lightbox roles give`로 부여하세요.",
    },
    entitlements: {
      what: "데스크톱의 사용 권한이 없습니다.",
      why: "설정에도 없고 관리자가 준 것도 없습니다.",
      next: "위의 버튼으로 사람, 그룹 또는 모든 사람에게 권한을 주세요.",
    },
    entitlementsFound: {
      what: "맞는 사용 권한이 없습니다.",
      why: "이 검색어가 들어 있는 사람, 그룹, 데스크톱이 없습니다.",
      next: SHORTER,
    },
    devices: {
      what: "등록된 기기가 없습니다.",
      why: "관리자가 기기에서 직접 등록합니다.",
      next: "기기에서 Lightbox를 열고 관리자로 로그인해 등록하세요.",
    },
    devicesFound: {
      what: "맞는 기기가 없습니다.",
      why: "이 검색어가 들어 있는 이름, 장소, 태그가 없습니다.",
      next: SHORTER,
    },
    assignments: {
      what: "이 풀에는 주인이 있는 데스크톱이 없습니다.",
      why: "아직 배정하지 않았습니다.",
      next: "위의 버튼으로 배정하거나, 사용 권한이 있는 사람이 열게 하세요.",
    },
    noPolicies: {
      what: "정책이 없습니다.",
      why: "서버 설정과 기본값이 모든 것을 정합니다.",
      next: "그룹, 데스크톱, 네트워크, 태그가 있는 기기의 설정을 바꾸려면 정책을 추가하세요.",
    },
    policiesFound: {
      what: "맞는 정책이 없습니다.",
      why: "이 검색어가 들어 있는 이름, 조건, 설정이 없습니다.",
      next: SHORTER,
    },
    policies: {
      what: "적용되는 설정이 없습니다.",
      why: "이 사람과 데스크톱에 대한 정책 규칙이 없습니다.",
      next: "두 이름을 확인하세요.",
    },
    audit: {
      what: "맞는 기록이 없습니다.",
      why: "이 기간에 이런 기록이 남지 않았습니다.",
      next: "기간을 넓히거나 조건을 줄이세요.",
    },
    use: {
      what: "아직 기록이 없습니다.",
      why: "풀의 사용량은 한 시간에 한 번 기록됩니다.",
      next: "한 시간 뒤에 다시 보세요.",
    },
    processes: {
      what: "프로세스를 알 수 없습니다.",
      why: "데스크톱이 시작되는 중이거나 서버에 알려 주지 않습니다.",
      next: LATER,
    },
    latency: {
      what: "지연 시간을 알 수 없습니다.",
      why: "지금 이 데스크톱을 보고 있는 사람이 없습니다.",
      next: "누군가 데스크톱을 보면 나타납니다.",
    },
    exactness: {
      what: "배지의 상태를 알 수 없습니다.",
      why: "누군가 데스크톱을 보는 동안 기록됩니다.",
      next: "누군가 데스크톱을 보면 나타납니다.",
    },
  },
  attention: {
    restrained: (pool, error) => ({
      what: `풀 “${pool}”에서 데스크톱이 시작되지 않습니다.`,
      why: error === "" ? "데스크톱이 계속 실패했습니다." : `데스크톱이 계속 실패했습니다: ${error}`,
      next: "원인을 해결하세요. 풀은 잠시 쉬었다가 스스로 다시 시도합니다.",
    }),
    maintenance: (pool) => ({
      what: `풀 “${pool}”이(가) 점검 중입니다.`,
      why: "관리자가 점검 상태로 바꾸었습니다.",
      next: "작업이 끝나면 풀 페이지에서 서비스를 재개하세요.",
    }),
    full: (pool, maximum) => ({
      what: `풀 “${pool}”의 데스크톱 ${maximum}개가 모두 사용 중입니다.`,
      why: "다음 사람은 데스크톱을 얻지 못합니다.",
      next: "필요 없는 데스크톱을 종료하거나 설정의 `maximum`을 늘리세요.",
    }),
    failed: (count) => ({
      what: `데스크톱 ${count}개가 실패했습니다.`,
      why: "프로그램이나 X 서버가 예기치 않게 종료되었습니다.",
      next: "서버의 로그에서 이유를 확인하세요.",
    }),
    memory: (percent) => ({
      what: `호스트 메모리의 ${percent}가 사용 중입니다.`,
      why: "데스크톱이 예상보다 메모리를 많이 씁니다.",
      next: "아무도 쓰지 않는 데스크톱을 종료하거나 메모리를 늘리세요.",
    }),
  },
};
