//! The menu of a front end: derived from the one table of access, so that nobody is shown a page they may not use.

use application::access::{Action, require};
use domain::actor::Actor;
use projections::page::PageRequest;
use projections::review_queue::{self, ReviewFilter};
use serde::Serialize;

use crate::problem::Problem;
use crate::state::AppState;

/// Menu, permissions and counters of the caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Menu {
    /// The pages, in groups.
    groups: Vec<MenuGroup>,
    /// Every action the caller's roles allow, by name.
    permissions: Vec<String>,
}

/// A group of pages.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MenuGroup {
    /// Stable code.
    code: String,
    /// What people read.
    label: String,
    /// Its pages.
    items: Vec<MenuItem>,
}

/// A page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MenuItem {
    /// Stable code.
    code: String,
    /// What people read.
    label: String,
    /// How many things wait there.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

struct Entry {
    group: (&'static str, &'static str),
    code: &'static str,
    label: &'static str,
    needs: Action,
}

const CENTRE: (&str, &str) = ("userCentre", "用户中心");
const BACK_OFFICE: (&str, &str) = ("parkBackOffice", "服务商后台");
const AUTHORITY: (&str, &str) = ("authority", "主管部门");
const ADMINISTRATION: (&str, &str) = ("administration", "系统管理");

const ENTRIES: &[Entry] = &[
    Entry { group: CENTRE, code: "account", label: "账号信息", needs: Action::ReadOwnAccount },
    Entry {
        group: CENTRE,
        code: "providerApplications",
        label: "服务商信息",
        needs: Action::ReadOwnApplications,
    },
    Entry {
        group: BACK_OFFICE, code: "parkProfile", label: "信息维护", needs: Action::ReviseParkProfile
    },
    Entry { group: BACK_OFFICE, code: "parkStaff", label: "后台人员", needs: Action::ManageParkStaff },
    Entry { group: BACK_OFFICE, code: "filing", label: "考核填报", needs: Action::FileAssessment },
    Entry { group: BACK_OFFICE, code: "ranking", label: "考核排名", needs: Action::RaiseObjection },
    Entry { group: BACK_OFFICE, code: "news", label: "新闻资讯", needs: Action::WriteNews },
    Entry {
        group: BACK_OFFICE,
        code: "settlementApplications",
        label: "入驻申请处理",
        needs: Action::ReadParkSettlements,
    },
    Entry {
        group: BACK_OFFICE, code: "enterprises", label: "企业管理", needs: Action::ReadParkEnterprises
    },
    Entry { group: AUTHORITY, code: "reviews", label: "审核", needs: Action::ReadReviews },
    Entry {
        group: AUTHORITY,
        code: "assessmentCycles",
        label: "考核周期",
        needs: Action::ManageAssessmentCycles,
    },
    Entry {
        group: AUTHORITY,
        code: "assessmentSubmissions",
        label: "核验与评分",
        needs: Action::JudgeAssessment,
    },
    Entry { group: AUTHORITY, code: "objections", label: "异议", needs: Action::AnswerObjection },
    Entry {
        group: AUTHORITY,
        code: "workingCalendars",
        label: "工作日历",
        needs: Action::SetWorkingCalendar,
    },
    Entry { group: AUTHORITY, code: "parks", label: "园区与基地", needs: Action::SuspendPark },
    Entry {
        group: AUTHORITY, code: "allEnterprises", label: "企业名录", needs: Action::ReadAllEnterprises
    },
    Entry {
        group: AUTHORITY,
        code: "legalStatements",
        label: "平台法律声明",
        needs: Action::PublishLegalStatement,
    },
    Entry { group: ADMINISTRATION, code: "staff", label: "工作人员", needs: Action::ReadStaff },
    Entry {
        group: ADMINISTRATION, code: "projections", label: "运行状态", needs: Action::ReadProjections
    },
    Entry { group: ADMINISTRATION, code: "audit", label: "审计", needs: Action::ReadAudit },
];

/// The menu of `actor`. The back office is there for members of a park only.
pub(crate) async fn menu_of(state: &AppState, actor: &Actor) -> Result<Menu, Problem> {
    let in_back_office = matches!(actor, Actor::Person { parks, .. } if !parks.is_empty());
    let mut groups: Vec<MenuGroup> = Vec::new();
    for entry in ENTRIES {
        if require(actor, entry.needs).is_err() || (entry.group == BACK_OFFICE && !in_back_office) {
            continue;
        }
        let count = if entry.needs == Action::ReadReviews {
            Some(pending_reviews(state, actor).await?)
        } else {
            None
        };
        let item = MenuItem { code: entry.code.to_owned(), label: entry.label.to_owned(), count };
        match groups.last_mut().filter(|group| group.code == entry.group.0) {
            Some(group) => group.items.push(item),
            None => groups.push(MenuGroup {
                code: entry.group.0.to_owned(),
                label: entry.group.1.to_owned(),
                items: vec![item],
            }),
        }
    }
    Ok(Menu { groups, permissions: permissions(actor) })
}

async fn pending_reviews(state: &AppState, actor: &Actor) -> Result<u64, Problem> {
    let (filter, page) = (ReviewFilter::default(), PageRequest::first(1));
    Ok(review_queue::list(&state.db, actor, &filter, state.app.clock.now(), &page).await?.total)
}

fn permissions(actor: &Actor) -> Vec<String> {
    use strum::IntoEnumIterator;
    Action::iter()
        .filter(|action| require(actor, *action).is_ok())
        .map(|action| <&str>::from(action).to_owned())
        .collect()
}
