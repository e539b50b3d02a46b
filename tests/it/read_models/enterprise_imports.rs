//! Imports: how far each is, from its events, and who sees it.

use domain::enterprise_import::{
    EnterpriseImport, EnterpriseImportCommand as Command, FailedRow, ImportMode, Plan, SourceFile,
};
use domain::id::{EnterpriseImportId, ParkId};
use domain::park::Standing;
use projections::enterprise_imports;

use super::*;

const STANDING: Standing = Standing::Member;

fn plan(outcomes: &str) -> Plan {
    Plan { outcomes: outcomes.to_owned(), basis: "b0".repeat(32) }
}

async fn previewed(side: &ReadSide, park: ParkId, by: &Actor, outcomes: &str) -> EnterpriseImportId {
    let id = EnterpriseImportId(side.app.clock.new_id());
    let file = SourceFile { sha256: "a1".repeat(32), size: 4_096 };
    let preview =
        Command::Preview { park, standing: STANDING, file, mode: ImportMode::Upsert, plan: plan(outcomes) };
    side.order::<EnterpriseImport>(id.0, by, preview).await;
    id
}

/// Something of everything that can happen to imports into the roster of a park.
pub async fn some_imports(side: &ReadSide, park: ParkId, by: &Actor) -> EnterpriseImportId {
    let id = previewed(side, park, by, "auke").await;
    let commit = Command::Commit { standing: STANDING, plan: plan("auke"), skip_invalid: true };
    side.order::<EnterpriseImport>(id.0, by, commit).await;
    let runner = Actor::Process("enterprise_import");
    let row =
        FailedRow { row: 2, code: "managed_enterprise.code_taken".to_owned(), detail: "重复".to_owned() };
    for (done, failed) in [(2, vec![row]), (4, vec![])] {
        side.order::<EnterpriseImport>(id.0, &runner, Command::Advance { done, failed }).await;
    }
    previewed(side, park, by, "a").await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_its_parks_and_says_how_far_it_is() {
    with_read_side(async |side| {
        let (owner, stranger) = (side.sign_in(1).await, side.sign_in(2).await);
        let park = side.established(&owner, "甲园区").await;
        let id = some_imports(side, park, &owner).await;
        side.settle().await;
        let row = enterprise_imports::get(&side.db, &owner, id).await.unwrap().unwrap();
        assert_eq!((row.status.as_str(), row.done, row.failed), ("finished", 4, 1));
        assert_eq!((row.summary.rows, row.summary.add, row.summary.error), (4, 1, 1));
        assert!(row.committed_at < row.finished_at);
        assert_eq!(enterprise_imports::get(&side.db, &stranger, id).await.unwrap(), None);
        assert_eq!(enterprise_imports::running(&side.db).await.unwrap(), []);
        let sha256 = "a1".repeat(32);
        let same = async |viewer: &Actor| {
            enterprise_imports::same_file(&side.db, viewer, park, &sha256).await.unwrap().map(|row| row.id)
        };
        assert_eq!(same(&owner).await, Some(id.0), "not the one that nobody committed");
        assert_eq!(same(&stranger).await, None);
    })
    .await;
}
