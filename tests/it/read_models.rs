//! The read models on PostgreSQL: given events, then rows; and who sees them.

mod enterprise_imports;
mod lists;
mod managed_enterprises;
mod news;
mod replay;
mod settlement_applications;
mod visibility;

use domain::actor::Actor;
use domain::id::ProviderApplicationId;
use domain::park::{ParkCommand, ParkKind};
use domain::review::ReviewCommand;
use projections::page::PageRequest;
use projections::{
    account_directory, audit_trail, legal_statements, parks, provider_applications, review_queue,
    staff_directory,
};

use crate::read_side::{
    ReadSide, account, auditor, person, profile, profile_with, returned, reviewer, staff, with_read_side,
};

/// Returned once, submitted again, approved: the story of the platform's spine.
async fn spine(side: &ReadSide, applicant: &Actor) -> ProviderApplicationId {
    let id = side.open(applicant, ParkKind::Park, "崖州湾产业园").await;
    side.review(id, applicant, ReviewCommand::Submit).await;
    side.review(id, &reviewer(1), ReviewCommand::Claim).await;
    side.review(id, &reviewer(1), returned("请补充政策说明")).await;
    let better = profile_with(applicant, serde_json::json!({"name": "崖州湾产业园", "policy": "首年免租"}));
    side.review(id, applicant, ReviewCommand::Draft(better)).await;
    side.review(id, applicant, ReviewCommand::Submit).await;
    side.review(id, &reviewer(1), ReviewCommand::Approve { comment: Some("同意".to_owned()) }).await;
    side.settle().await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_listed_with_its_phone_sealed() {
    with_read_side(async |side| {
        side.sign_in(1).await;
        let registered_at = side.now();
        side.sign_in(1).await;
        side.settle().await;
        let row = account_directory::get(&side.db, &person(1), account(1)).await.unwrap().unwrap();
        assert_eq!((row.registered_at, row.last_signed_in_at), (registered_at, Some(side.now())));
        assert_eq!((row.consented_version.as_deref(), row.version), (Some("2026-11"), 4));
        assert!(row.phone.unwrap().get("$sealed").is_some());
        assert!(!side.rows("rm.account_directory").await.concat().contains("13800000001"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_legal_statement_is_current() {
    with_read_side(async |side| {
        side.publish_statement("2026-11").await;
        side.publish_statement("2026-12").await;
        side.settle().await;
        let current = legal_statements::current(&side.db, &Actor::Visitor).await.unwrap().unwrap();
        assert_eq!((current.version.as_str(), current.stream_version), ("2026-12", 2));
        let all = legal_statements::list(&side.db, &Actor::Visitor, &PageRequest::default()).await.unwrap();
        assert_eq!(
            all.items.iter().map(|row| row.version.as_str()).collect::<Vec<_>>(),
            ["2026-12", "2026-11"]
        );
        let first = legal_statements::get(&side.db, &Actor::Visitor, "2026-11").await.unwrap();
        assert_eq!(first.as_ref(), all.items.last());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_keeps_every_revision_decision_and_difference() {
    with_read_side(async |side| {
        let applicant = side.sign_in(1).await;
        let id = spine(side, &applicant).await;
        let detail = provider_applications::get(&side.db, &applicant, id).await.unwrap().unwrap();
        let row = &detail.application;
        assert_eq!((row.status.as_str(), row.revision, row.version), ("approved", 2, 8));
        assert_eq!(row.name.as_deref(), Some("崖州湾产业园"));
        let [first, second] = detail.revisions.as_slice() else { panic!("{:?}", detail.revisions) };
        assert_eq!((first.status.as_str(), second.status.as_str()), ("returned", "approved"));
        assert_eq!(first.decision.as_ref().unwrap().reason.as_deref(), Some("请补充政策说明"));
        assert_eq!(second.decision.as_ref().unwrap().comment.as_deref(), Some("同意"));
        let changed: Vec<&str> = second.diff.iter().map(|change| change.pointer.as_str()).collect();
        // The contact is sealed anew each time; whoever opens it sees that it is the same.
        assert_eq!(changed, ["/contactName", "/contactPhone", "/policy"]);
        assert_eq!(second.diff[2].after, Some("首年免租".into()));
        assert!(detail.draft.is_some());
        assert!(!side.rows("rm.provider_application_revisions").await.concat().contains("13800000000"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_shows_what_waits_and_who_works_on_it() {
    with_read_side(async |side| {
        let (one, two) = (side.sign_in(1).await, side.sign_in(2).await);
        let first = side.submitted(&one, "甲园区").await;
        let second = side.submitted(&two, "乙园区").await;
        side.review(second, &reviewer(2), ReviewCommand::Claim).await;
        side.settle().await;
        let queue = async |filter: &review_queue::ReviewFilter, now| {
            review_queue::list(&side.db, &reviewer(1), filter, now, &PageRequest::default())
                .await
                .unwrap()
                .items
        };
        let pending = queue(&review_queue::ReviewFilter::default(), side.now()).await;
        let ids: Vec<_> = pending.iter().map(|row| (row.id, row.reviewer.is_some(), row.overdue)).collect();
        assert_eq!(ids, [(first.0, false, false), (second.0, true, false)]);
        assert_eq!((pending[0].kind.as_str(), pending[0].title.as_str()), ("providerApplication", "甲园区"));
        assert_eq!(pending[0].submitter, one.to_string());

        // A week later: overdue, and the claim has lapsed.
        let later = side.now() + chrono::TimeDelta::days(8);
        let overdue = review_queue::ReviewFilter { overdue: Some(true), ..Default::default() };
        assert!(queue(&overdue, side.now()).await.is_empty());
        let late = queue(&overdue, later).await;
        assert_eq!(late.len(), 2);
        assert!(late.iter().all(|row| row.overdue && row.reviewer.is_none()));

        side.review(first, &reviewer(1), ReviewCommand::Reject { reason: "不符合条件要求".to_owned() }).await;
        side.review(second, &two, ReviewCommand::Withdraw).await;
        side.settle().await;
        assert!(queue(&review_queue::ReviewFilter::default(), later).await.is_empty());
        let all = review_queue::ReviewFilter { status: Some("all".to_owned()), ..Default::default() };
        let closed = queue(&all, later).await;
        let outcomes: Vec<_> =
            closed.iter().map(|row| (row.status.as_str(), row.outcome.as_deref())).collect();
        assert_eq!(outcomes, [("rejected", Some("rejected")), ("withdrawn", None)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_park_shows_its_live_profile_until_a_revision_is_approved() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        let park = side.established(&owner, "旧名园区").await;
        let revise = |name: &str| ParkCommand::ReviseProfile {
            profile: Box::new(profile(&owner, name)),
            replace_pending: true,
        };
        side.park(park, &owner, revise("新名园区")).await;
        side.park(park, &owner, revise("更新名园区")).await;
        side.settle().await;
        let name = async || parks::get(&side.db, &Actor::Visitor, park).await.unwrap().unwrap().name;
        assert_eq!(name().await, "旧名园区");
        let own = parks::get(&side.db, &owner, park).await.unwrap().unwrap();
        assert_eq!((own.role.as_deref(), own.profile_status.as_deref()), (Some("owner"), Some("submitted")));
        let approve = ReviewCommand::Approve { comment: None };
        let command = ParkCommand::ReviewProfile { revision: 2, command: Box::new(approve) };
        side.park(park, &reviewer(1), command).await;
        side.settle().await;
        assert_eq!(name().await, "更新名园区");
        let revisions = parks::profile_revisions(&side.db, &owner, park).await.unwrap().unwrap();
        let states: Vec<_> = revisions.iter().map(|row| (row.number, row.status.as_str())).collect();
        assert_eq!(states, [(1, "withdrawn"), (2, "approved")]);
        let filter = review_queue::ReviewFilter { status: Some("all".to_owned()), ..Default::default() };
        let (viewer, first) = (reviewer(1), PageRequest::default());
        let page = review_queue::list(&side.db, &viewer, &filter, side.now(), &first).await.unwrap();
        let kinds = page.items.into_iter().map(|row| (row.kind, row.revision, row.status));
        let park_rows: Vec<_> = kinds.filter(|(kind, ..)| kind == "parkProfile").collect();
        assert_eq!(park_rows.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_park_come_and_go() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        side.crowd(2, 3).await;
        let park = side.established(&owner, "崖州湾产业园").await;
        for number in [2, 3] {
            side.park(park, &owner, ParkCommand::AddStaff { account: Some(account(number)) }).await;
        }
        side.park(park, &owner, ParkCommand::RemoveStaff { account: account(2) }).await;
        side.settle().await;
        let members = parks::members(&side.db, &owner, park).await.unwrap();
        let who: Vec<_> =
            members.iter().map(|row| (row.account, row.role.as_str(), row.phone.is_some())).collect();
        assert_eq!(who, [(account(1).0, "owner", true), (account(3).0, "staff", true)]);
        assert_eq!(parks::parks_of(&side.db, account(3)).await.unwrap(), [park]);
        assert!(parks::parks_of(&side.db, account(2)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_tells_every_event_in_words() {
    with_read_side(async |side| {
        let applicant = side.sign_in(1).await;
        spine(side, &applicant).await;
        let filter = audit_trail::AuditFilter::default();
        let page = audit_trail::list(&side.db, &auditor(), &filter, &PageRequest::first(100)).await.unwrap();
        let told: Vec<&str> = page.items.iter().map(|row| row.sentence.as_str()).collect();
        assert_eq!(
            told,
            [
                "通过短信验证码注册账号",
                "同意法律声明 2026-11 版",
                "通过短信验证码登录",
                "开始申请成为园区",
                "保存申请草稿",
                "提交申请第 1 版",
                "领取申请审核",
                "退回申请第 1 版：请补充政策说明",
                "保存申请草稿",
                "提交申请第 2 版",
                "通过申请第 2 版",
                "设立园区“崖州湾产业园”",
            ]
        );
        let positions: Vec<i64> = page.items.iter().map(|row| row.position).collect();
        assert_eq!(positions, (1..=12).collect::<Vec<_>>());
        let first = &page.items[0];
        assert_eq!((first.client_address.as_deref(), first.role.as_str()), (Some("192.0.2.7"), "user"));
        assert!(first.payload["phone"].get("$sealed").is_some());
        let returns = audit_trail::AuditFilter {
            event_type: Some("ProviderApplicationReturned".to_owned()),
            actor: Some(reviewer(1).to_string()),
            from: Some(first.recorded_at),
            ..Default::default()
        };
        assert_eq!(audit_trail::next(&side.db, &auditor(), &returns).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staff_account_shows_its_roles_and_locks() {
    use domain::actor::Role;
    use domain::id::{CredentialId, SessionId, StaffId};
    use domain::staff_account::{NewStaff, SecondFactorUsed, StaffAccount, StaffAccountCommand as Command};
    with_read_side(async |side| {
        let new = side.app.clock.new_id();
        let command = Command::Create(NewStaff {
            staff: StaffId(new),
            username: "chen.hai".to_owned(),
            roles: vec![Role::Reviewer],
            password: CredentialId(side.app.clock.new_id()),
            one_time: true,
            second_factor: None,
        });
        side.order::<StaffAccount>(new, &staff(7, Role::SystemAdmin), command).await;
        let security = staff(6, Role::SecurityAdmin);
        side.order::<StaffAccount>(new, &security, Command::Grant { role: Role::Assessor }).await;
        let password = CredentialId(side.app.clock.new_id());
        side.order::<StaffAccount>(
            new,
            &Actor::Visitor,
            Command::ChangePassword { password, second_factor: SecondFactorUsed::None },
        )
        .await;
        let session = SessionId(side.app.clock.new_id());
        let signed_in = Command::SignIn { session, second_factor: SecondFactorUsed::None };
        side.order::<StaffAccount>(new, &Actor::Visitor, signed_in).await;
        side.order::<StaffAccount>(new, &security, Command::Lock { reason: "离职交接手续".to_owned() }).await;
        side.settle().await;
        let row = staff_directory::get(&side.db, &security, StaffId(new)).await.unwrap().unwrap();
        assert_eq!(row.roles, ["assessor", "reviewer"]);
        assert_eq!((row.locked, row.one_time_password, row.second_factor), (true, false, false));
        assert!(row.last_signed_in_at.is_some());
        let filter = staff_directory::StaffFilter { role: Some("assessor".to_owned()), ..Default::default() };
        let page =
            staff_directory::list(&side.db, &security, &filter, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items, [row]);
        let none =
            staff_directory::list(&side.db, &reviewer(1), &filter, &PageRequest::default()).await.unwrap();
        assert!(none.items.is_empty());
    })
    .await;
}
