//! Rows that are not the viewer's are not there.

use projections::parks::ParkFilter;
use projections::provider_applications::ProviderApplicationFilter;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_seen_by_its_person_reviewers_and_auditors() {
    with_read_side(async |side| {
        side.sign_in(1).await;
        side.settle().await;
        let seen = async |viewer: &Actor| {
            account_directory::get(&side.db, viewer, account(1)).await.unwrap().is_some()
        };
        assert!(seen(&person(1)).await && seen(&reviewer(1)).await && seen(&auditor()).await);
        assert!(!seen(&person(2)).await && !seen(&Actor::Visitor).await);
        assert!(!seen(&staff(1, domain::actor::Role::Editor)).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_seen_by_its_applicant_and_once_submitted_by_reviewers() {
    with_read_side(async |side| {
        let (owner, other) = (person(1), person(2));
        let draft = side.open(&owner, ParkKind::Park, "草稿园区").await;
        let sent = side.submitted(&other, "送审园区").await;
        side.settle().await;
        let get = async |viewer: &Actor, id| provider_applications::get(&side.db, viewer, id).await.unwrap();
        let count = async |viewer: &Actor| {
            let filter = ProviderApplicationFilter::default();
            provider_applications::list(&side.db, viewer, &filter, &PageRequest::default())
                .await
                .unwrap()
                .total
        };
        assert!(get(&owner, draft).await.is_some() && get(&reviewer(1), draft).await.is_none());
        assert!(get(&owner, sent).await.is_none() && get(&reviewer(1), sent).await.is_some());
        assert!(get(&auditor(), sent).await.is_none() && get(&Actor::Visitor, sent).await.is_none());
        assert_eq!([count(&owner).await, count(&other).await, count(&reviewer(1)).await], [1, 1, 1]);
        assert_eq!([count(&Actor::Visitor).await, count(&auditor()).await], [0, 0]);

        // What is changed after a return is the applicant's alone until it is submitted again.
        side.review(sent, &reviewer(1), ReviewCommand::Claim).await;
        side.settle().await;
        assert!(get(&reviewer(1), sent).await.unwrap().application.reviewer.is_some());
        assert!(get(&other, sent).await.unwrap().application.reviewer.is_none());
        side.review(sent, &reviewer(1), returned("请核对园区名称")).await;
        side.review(sent, &other, ReviewCommand::Draft(profile(&other, "改名园区"))).await;
        side.settle().await;
        let shown = get(&reviewer(1), sent).await.unwrap();
        assert!(shown.draft.is_none());
        assert_eq!(
            (shown.application.name.as_deref(), shown.application.status.as_str()),
            (Some("送审园区"), "returned")
        );
        assert_eq!(get(&other, sent).await.unwrap().draft.unwrap()["name"], "改名园区");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_sees_the_public_part_of_parks() {
    with_read_side(async |side| {
        let (owner, open_owner) = (side.sign_in(1).await, side.sign_in(2).await);
        let park = side.established(&owner, "甲园区").await;
        let open = side.established(&open_owner, "乙园区").await;
        let released =
            profile_with(&open_owner, serde_json::json!({"name": "乙园区", "contactPublic": true}));
        let revise = ParkCommand::ReviseProfile { profile: Box::new(released), replace_pending: false };
        side.park(open, &open_owner, revise).await;
        let approve = ReviewCommand::Approve { comment: None };
        let approve = ParkCommand::ReviewProfile { revision: 1, command: Box::new(approve) };
        side.park(open, &reviewer(1), approve).await;
        side.settle().await;

        for viewer in [Actor::Visitor, person(3)] {
            let row = parks::get(&side.db, &viewer, park).await.unwrap().unwrap();
            let shown = row.profile.as_object().unwrap();
            assert!(shown.contains_key("introduction") && shown.contains_key("operatorCreditCode"));
            for hidden in ["contactName", "contactPhone", "certificates"] {
                assert!(!shown.contains_key(hidden), "{hidden}");
            }
            assert_eq!((row.role, row.profile_status, row.revision), (None, None, None));
            let row = parks::get(&side.db, &viewer, open).await.unwrap().unwrap();
            assert!(row.profile["contactPhone"].get("$sealed").is_some());
            assert!(parks::profile_revisions(&side.db, &viewer, park).await.unwrap().is_none());
            assert!(parks::members(&side.db, &viewer, park).await.unwrap().is_empty());
            assert!(parks::mine(&side.db, &viewer, &PageRequest::default()).await.unwrap().items.is_empty());
        }
        for viewer in [&owner, &reviewer(1)] {
            let row = parks::get(&side.db, viewer, park).await.unwrap().unwrap();
            assert!(row.profile.get("contactPhone").is_some() && row.profile.get("certificates").is_some());
            assert!(parks::profile_revisions(&side.db, viewer, park).await.unwrap().is_some());
        }
        assert!(parks::profile_revisions(&side.db, &owner, open).await.unwrap().is_none());
        let mine = parks::mine(&side.db, &owner, &PageRequest::default()).await.unwrap();
        assert_eq!(mine.items.iter().map(|row| row.id).collect::<Vec<_>>(), [park.0]);

        side.park(park, &reviewer(1), ParkCommand::Suspend { reason: "消防整改期间".to_owned() }).await;
        side.settle().await;
        let listed = parks::list(&side.db, &Actor::Visitor, &ParkFilter::default(), &PageRequest::default())
            .await
            .unwrap();
        assert_eq!(listed.items.iter().map(|row| row.id).collect::<Vec<_>>(), [open.0]);
        assert!(parks::get(&side.db, &Actor::Visitor, park).await.unwrap().is_none());
        assert!(parks::get(&side.db, &owner, park).await.unwrap().unwrap().suspended);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_and_trail_are_for_reviewers_and_auditors() {
    with_read_side(async |side| {
        side.submitted(&person(1), "甲园区").await;
        side.settle().await;
        let queue = async |viewer: &Actor| {
            let filter = review_queue::ReviewFilter::default();
            review_queue::list(&side.db, viewer, &filter, side.now(), &PageRequest::default())
                .await
                .unwrap()
                .total
        };
        let trail = async |viewer: &Actor| {
            let filter = audit_trail::AuditFilter::default();
            assert_eq!(
                audit_trail::next(&side.db, viewer, &filter).await.unwrap().is_empty(),
                *viewer != auditor()
            );
            audit_trail::list(&side.db, viewer, &filter, &PageRequest::default()).await.unwrap().total
        };
        for viewer in [Actor::Visitor, person(1), reviewer(1), auditor()] {
            assert_eq!(queue(&viewer).await, u64::from(viewer == reviewer(1)));
            assert_eq!(trail(&viewer).await, if viewer == auditor() { 3 } else { 0 });
        }
    })
    .await;
}
