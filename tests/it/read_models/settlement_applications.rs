//! Applications to settle: what parks and applicants see of them, from their events.

use domain::id::{ParkId, SettlementApplicationId};
use domain::park::Standing;
use domain::settlement_application::{
    Outcome, SettlementApplication, SettlementApplicationCommand as Command, SettlementInput,
};
use projections::settlement_applications::{self, MySettlementFilter, SettlementFilter};

use super::*;

const STANDING: Standing = Standing::Member;

async fn order(side: &ReadSide, id: SettlementApplicationId, by: &Actor, command: Command) {
    side.order::<SettlementApplication>(id.0, by, command).await;
}

async fn submitted(side: &ReadSide, park: ParkId, by: &Actor, name: &str) -> SettlementApplicationId {
    let id = SettlementApplicationId(side.app.clock.new_id());
    let fields = serde_json::json!({"applicantType": "enterprise", "enterpriseName": name, "contactName": "王小明",
        "contactPhone": "13900139000", "needs": "需要仓储", "consentToShareContact": true});
    let input: SettlementInput = serde_json::from_value(fields).unwrap();
    let application = Box::new(input.parse(by.account().unwrap().0).unwrap());
    let due_at = side.app.clock.now();
    order(side, id, by, Command::Submit { park, park_is_open: true, application, due_at, previous: None })
        .await;
    id
}

fn note() -> Command {
    Command::AddNote { standing: STANDING, text: "已电话联系".to_owned() }
}

fn not_land() -> Command {
    Command::NotLand { standing: STANDING, reason: "场地面积不足".to_owned() }
}

/// Something of everything that can happen to applications to settle in a park of `owner`.
pub async fn some_settlements(side: &ReadSide, park: ParkId, owner: &Actor) {
    let applicant = person(4);
    let first = submitted(side, park, &applicant, "甲贸易公司").await;
    order(side, first, owner, Command::RevealContact { standing: STANDING }).await;
    order(side, first, owner, note()).await;
    order(side, first, owner, Command::Land { standing: STANDING, confirm: "甲贸易公司".to_owned() }).await;
    let reason = "登记有误，现予更正".to_owned();
    let outcome = Outcome::NotLanded;
    order(side, first, owner, Command::Correct { standing: STANDING, outcome, reason }).await;
    let second = submitted(side, park, &applicant, "乙贸易公司").await;
    let clerk = Actor::Process("deadlines");
    order(side, second, &clerk, Command::MarkOverdue).await;
    order(side, second, &applicant, Command::Withdraw).await;
    let third = submitted(side, park, &applicant, "丙贸易公司").await;
    order(side, third, owner, not_land()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_park_filters_its_applications_and_contacts_stay_sealed() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        side.crowd(2, 5).await;
        let park = side.established(&owner, "甲园区").await;
        some_settlements(side, park, &owner).await;
        submitted(side, park, &person(5), "丁贸易公司").await;
        side.settle().await;
        let names = async |filter: SettlementFilter| -> Vec<String> {
            let page = PageRequest::default();
            let page =
                settlement_applications::of_park(&side.db, &owner, park, &filter, &page).await.unwrap();
            let name = |row: &settlement_applications::SettlementRow| {
                row.application["enterpriseName"].as_str().unwrap().to_owned()
            };
            page.unwrap().items.iter().map(name).collect()
        };
        let all = SettlementFilter::default();
        assert_eq!(names(all.clone()).await, ["丁贸易公司", "丙贸易公司", "乙贸易公司", "甲贸易公司"]);
        let status = |status: &str| SettlementFilter { status: Some(status.to_owned()), ..all.clone() };
        assert_eq!(names(status("submitted")).await, ["丁贸易公司"]);
        assert_eq!(names(status("notLanded")).await, ["丙贸易公司", "甲贸易公司"]);
        assert_eq!(names(status("withdrawn")).await, ["乙贸易公司"]);
        assert_eq!(names(SettlementFilter { overdue: Some(true), ..all.clone() }).await, ["乙贸易公司"]);
        assert_eq!(names(SettlementFilter { q: Some("丙贸易".to_owned()), ..all.clone() }).await.len(), 1);
        assert!(names(SettlementFilter { q: Some("王小明".to_owned()), ..all.clone() }).await.is_empty());
        assert!(names(SettlementFilter { to: Some(side.now()), ..all.clone() }).await.len() == 3);
        assert!(!side.rows("rm.settlement_applications").await.concat().contains("13900139000"));

        let (first, everything) = (PageRequest::default(), MySettlementFilter::default());
        let other = settlement_applications::of_park(&side.db, &person(2), park, &all, &first).await;
        assert!(other.unwrap().is_none());
        let mine = settlement_applications::mine(&side.db, &person(4), &everything, &first).await;
        assert_eq!(mine.unwrap().total, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applicant_sees_how_it_goes_but_neither_notes_nor_looks() {
    with_read_side(async |side| {
        let (owner, applicant) = (side.sign_in(1).await, side.sign_in(4).await);
        let park = side.established(&owner, "甲园区").await;
        let id = submitted(side, park, &applicant, "甲贸易公司").await;
        order(side, id, &owner, Command::RevealContact { standing: STANDING }).await;
        order(side, id, &owner, note()).await;
        order(side, id, &owner, not_land()).await;
        side.settle().await;
        let kinds = async |viewer: &Actor| {
            let detail = settlement_applications::get(&side.db, viewer, id).await.unwrap();
            detail.map(|detail| detail.steps.into_iter().map(|step| step.kind).collect::<Vec<_>>())
        };
        assert_eq!(kinds(&owner).await.unwrap(), ["submitted", "contactViewed", "noteAdded", "notLanded"]);
        assert_eq!(kinds(&applicant).await.unwrap(), ["submitted", "notLanded"]);
        for viewer in [&person(2), &reviewer(1), &auditor(), &Actor::Visitor] {
            assert_eq!(kinds(viewer).await, None, "{viewer}");
        }
    })
    .await;
}
