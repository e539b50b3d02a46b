//! Processes: at least once, and nothing twice.

use application::processes::park_established::park_of;
use domain::review::ReviewCommand;
use projections::parked;
use projections::stepper::Stepper;

use super::*;
use crate::read_side::reviewer;

fn stepper(side: &ReadSide) -> Stepper {
    Stepper::new(side.db.clone(), Vec::new(), application::processes::all(), &side.app, "stepper")
}

const ESTABLISHED: &str = "select count(*) from events where event_type = 'ParkEstablished'";

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_establishes_one_park_even_when_the_checkpoint_was_lost() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        let id = side.submitted(&owner, "崖州湾产业园").await;
        side.review(id, &reviewer(1), ReviewCommand::Approve { comment: None }).await;
        side.drain().await;
        let stepper = stepper(side);
        assert!(stepper.settle_once().await.unwrap());
        assert_eq!(side.number(ESTABLISHED).await, 1);
        // Killed between append and checkpoint: the reaction comes again.
        sqlx::query("update reader_slots set position = 0").execute(&side.db).await.unwrap();
        assert!(stepper.settle_once().await.unwrap());
        assert_eq!(side.number(ESTABLISHED).await, 1);
        let park = park_of(id).to_string();
        assert_eq!(
            side.text("select aggregate_id from events where event_type = 'ParkEstablished'").await,
            park
        );
        assert_eq!(
            side.text("select metadata ->> 'causationId' from events where event_type = 'ParkEstablished'")
                .await,
            format!("ProviderApplication/{id}/4")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_that_is_refused_parks_its_event_and_others_go_on() {
    with_read_side(async |side| {
        let (one, two) = (side.sign_in(1).await, side.sign_in(2).await);
        let broken = side.submitted(&one, "甲园区").await;
        let good = side.submitted(&two, "乙园区").await;
        for id in [broken, good] {
            side.review(id, &reviewer(1), ReviewCommand::Approve { comment: None }).await;
        }
        // The first one's history lost its submission: the store cannot make sense of it.
        let superuser = side.superuser().await;
        let rename = |from: &'static str, to: &'static str| {
            sqlx::query("update events set event_version = $1 where aggregate_id = $2 and event_version = $3 and sequence = 2")
                .bind(to)
                .bind(broken.to_string())
                .bind(from)
                .execute(&superuser)
        };
        rename("1", "9").await.unwrap();
        side.drain().await;
        stepper(side).settle_once().await.unwrap();
        assert_eq!(side.number(ESTABLISHED).await, 1);
        let key = format!("ProviderApplication/{broken}");
        let streams = parked::list(&side.db, "park_established").await.unwrap();
        assert_eq!(streams.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), [key.as_str()]);

        rename("9", "1").await.unwrap();
        let retried = parked::by_name(&side.db, &side.app, "park_established", &key, parked::Remedy::Retry).await;
        assert_eq!(retried.unwrap().taken_in, 1);
        assert_eq!(side.number(ESTABLISHED).await, 2);
        superuser.close().await;
    })
    .await;
}
