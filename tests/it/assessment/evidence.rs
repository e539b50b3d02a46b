//! Evidence of what was filed: for all of the park that filed it, and for whoever judges it.

use domain::actor::Role;
use serde_json::json;
use tests::{Caller, TestApp};
use uuid::Uuid;

use super::world::World;

async fn read(by: &Caller<'_>, file: Uuid) -> u16 {
    by.get(&format!("files/{file}")).await.status.as_u16()
}

/// Saves an item with this evidence.
async fn save(world: &World<'_>, by: &Caller<'_>, file: Uuid) -> u16 {
    let body = json!({"value": ["customs"], "attachments": [file]});
    by.put(&world.path("filing/items/C1"), body).await.status.as_u16()
}

#[tokio::test]
async fn evidence_is_read_by_colleagues_and_judges_once_it_is_filed() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let (owner, colleague) = (world.owner(0).await, app.registered("13800000350").await);
    let staff = format!("parks/{}/staff", world.parks[0].0);
    owner.post(&staff, json!({"phone": "13800000350"})).await.is(201);
    let file = world.evidence(0).await;
    assert_eq!(save(&world, &owner, file).await, 200);
    app.settle().await;
    let officer = app.as_staff(Role::Assessor).await;
    assert_eq!(
        [read(&colleague, file).await, read(&officer, file).await],
        [404, 404],
        "a draft is its author's"
    );
    assert_eq!(save(&world, &colleague, file).await, 422);
    owner.post(&world.path("filing/submit"), json!({"items": ["C1"]})).await.is(200);
    app.settle().await;

    let auditor = app.as_staff(Role::Auditor).await;
    for by in [&owner, &colleague, &officer, &auditor] {
        assert_eq!(read(by, file).await, 200);
    }
    let outside = [world.owner(1).await, app.as_visitor(), app.as_staff(Role::Editor).await];
    for by in &outside {
        assert_eq!(read(by, file).await, 404);
    }
    // A colleague amends the filing and keeps the evidence that is on it; another park cannot take it.
    assert_eq!(save(&world, &colleague, file).await, 200);
    assert_eq!(save(&world, &world.owner(1).await, file).await, 422);
    // Who leaves the park reads nothing of it any more.
    owner.delete(&format!("{staff}/{}", colleague.account())).await.is(200);
    app.settle().await;
    assert_eq!(read(&colleague, file).await, 404);
    app.close().await;
}
