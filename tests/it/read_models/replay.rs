//! The same events twice give the same rows.

use std::collections::BTreeMap;

use projections::rebuild;

use super::*;
use crate::read_models::enterprise_imports::some_imports;
use crate::read_models::managed_enterprises::some_enterprises;
use crate::read_models::news::some_news;
use crate::read_models::settlement_applications::some_settlements;
use crate::read_side::assessed;

async fn everything(side: &ReadSide) -> BTreeMap<&'static str, Vec<String>> {
    let mut rows = BTreeMap::new();
    for projection in projections::all() {
        for table in projection.tables() {
            rows.insert(*table, side.rows(&format!("rm.{table}")).await);
        }
    }
    rows
}

/// Something of everything that can happen.
async fn a_full_history(side: &ReadSide) {
    side.publish_statement("2026-11").await;
    let owner = side.sign_in(1).await;
    side.crowd(2, 6).await;
    spine(side, &owner).await;
    let park = side.established(&person(2), "落笔洞基地").await;
    assessed(side, park, &person(2)).await;
    side.park(park, &person(2), ParkCommand::AddStaff { account: Some(account(3)) }).await;
    side.park(park, &person(2), ParkCommand::AddStaff { account: Some(account(4)) }).await;
    side.park(park, &person(2), ParkCommand::RemoveStaff { account: account(3) }).await;
    let withdrawn = side.submitted(&person(5), "撤回园区").await;
    side.review(withdrawn, &reviewer(1), ReviewCommand::Claim).await;
    side.review(withdrawn, &reviewer(1), ReviewCommand::Release).await;
    side.review(withdrawn, &person(5), ReviewCommand::Withdraw).await;
    side.open(&person(6), ParkKind::Base, "草稿基地").await;
    for name in ["新名基地", "再新名基地"] {
        let profile = Box::new(profile(&person(2), name));
        side.park(park, &person(2), ParkCommand::ReviseProfile { profile, replace_pending: true }).await;
    }
    let picture = side.file(&person(2)).await;
    let shown = profile_with(&person(2), serde_json::json!({"images": [picture]}));
    let revise = ParkCommand::ReviseProfile { profile: Box::new(shown), replace_pending: true };
    side.park(park, &person(2), revise).await;
    let approve = ReviewCommand::Approve { comment: None };
    let command = ParkCommand::ReviewProfile { revision: 3, command: Box::new(approve) };
    side.park(park, &reviewer(1), command).await;
    let last = Box::new(profile(&person(2), "最后一次修改"));
    side.park(park, &person(2), ParkCommand::ReviseProfile { profile: last, replace_pending: true }).await;
    let reject = ReviewCommand::Reject { reason: "名称与批复不符".to_owned() };
    let command = ParkCommand::ReviewProfile { revision: 4, command: Box::new(reject) };
    side.park(park, &reviewer(1), command).await;
    some_news(side, park, &person(2)).await;
    some_enterprises(side, park, &person(2)).await;
    some_imports(side, park, &person(2)).await;
    some_settlements(side, park, &person(2)).await;
    side.park(park, &reviewer(1), ParkCommand::Suspend { reason: "消防整改期间".to_owned() }).await;
    side.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_model_replayed_over_its_own_rows_stays_the_same() {
    with_read_side(async |side| {
        a_full_history(side).await;
        let before = everything(side).await;
        assert!(
            before.iter().all(|(table, rows)| *table == "staff_directory" || !rows.is_empty()),
            "{before:?}"
        );
        let head = side.number("select head from log_head").await;
        // Some from the beginning, then all of them from the middle.
        for from in [0, head / 2, head - 1] {
            sqlx::query("update reader_slots set position = $1 where name not in
                             ('park_established', 'filing_closed', 'objection_accepted', 'ranking_finalized')")
                .bind(from)
                .execute(&side.db)
                .await
                .unwrap();
            side.settle_read_models().await;
            assert_eq!(everything(side).await, before, "replayed from {from}");
        }
        assert_eq!(side.number("select count(*) from parked_events").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_model_rebuilt_has_equal_rows_whatever_the_batches_were() {
    with_read_side(async |side| {
        a_full_history(side).await;
        let before = everything(side).await;
        for projection in projections::all() {
            let name = projection.name();
            let rebuilt = rebuild::run(&side.db, projection, "builder", |_| ()).await.unwrap();
            assert!(rebuilt.comparisons.iter().all(|c| c.equal == Some(true)), "{name}: {rebuilt:?}");
        }
        assert_eq!(everything(side).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_names_every_reader() {
    with_read_side(async |side| {
        a_full_history(side).await;
        let status = projections::status(&side.db).await.unwrap();
        let names: Vec<&str> = status.iter().map(|reader| reader.name.as_str()).collect();
        for projection in projections::all() {
            assert!(names.contains(&projection.name()), "{names:?}");
        }
        assert!(names.contains(&"park_established"));
        assert!(
            status.iter().all(|r| r.lag_events == 0 && r.parked == 0 && r.status == "live" && r.lag_ms == 0)
        );
        side.sign_in(1).await;
        side.drain().await;
        let status = projections::status(&side.db).await.unwrap();
        assert!(status.iter().all(|reader| reader.lag_events == 1), "{status:?}");
    })
    .await;
}
