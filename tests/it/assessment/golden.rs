//! The golden numbers over HTTP, from an empty database to the final ranking.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;

use super::world::World;

/// Rank, name, total and grade, as domain.md §5 works them out.
const GOLDEN: [(i64, &str, &str, &str); 4] = [
    (1, "崖州园区", "90.84", "成效明显"),
    (2, "吉阳园区", "84.03", "成效较好"),
    (3, "天涯基地", "62.48", "成效初显"),
    (4, "海棠基地", "52.56", "尚在起步"),
];

fn table(ranking: &Value) -> Vec<(i64, &str, &str, &str)> {
    ranking["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["rank"].as_i64().unwrap(),
                row["parkName"].as_str().unwrap(),
                row["total"].as_str().unwrap(),
                row["grade"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Why a park has its points: told to itself and to staff, and who judged only to staff.
async fn explained(world: &World<'_>) {
    let (park, owner) = (world.parks[2].0, world.owner(2).await);
    let officer = world.app.as_staff(Role::Assessor).await;
    let trace = owner.get(&world.path(&format!("ranking/rows/{park}/trace"))).await.ok();
    assert_eq!(trace["current"], true);
    let b1 = trace["items"].as_array().unwrap().iter().find(|item| item["code"] == "B1").unwrap().clone();
    assert_eq!((&b1["points"], &b1["rankedPoints"]), (&json!("6.67"), &json!("6.67")));
    assert!(b1["sentence"].as_str().unwrap().contains("86250.4"), "{b1}");
    let adopted =
        |of: &Value| of["items"].as_array().unwrap().iter().find_map(|item| item.get("adopted").cloned());
    assert!(adopted(&trace.json).unwrap().get("by").is_none(), "a park is not told who judged it");
    let judged = officer.get(&world.path(&format!("ranking/rows/{park}/trace"))).await.ok();
    assert!(adopted(&judged.json).unwrap()["by"].is_string(), "staff are");
    let filing = owner.get(&world.path("filing")).await.ok();
    for item in filing["items"].as_array().unwrap() {
        let judge = item["state"]["adopted"].get("by").or(item["state"]["scores"][0].get("by"));
        assert_eq!(judge, None, "{item}");
    }
    let other = world.parks[0].0;
    owner.get(&world.path(&format!("ranking/rows/{other}/trace"))).await.is(404);
}

#[tokio::test]
async fn four_parks_are_filed_judged_ranked_disputed_and_final() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    let officer = app.as_staff(Role::Assessor).await;
    officer.post(&world.path("publicize"), json!({})).await.problem(409, "ranking.not_computed");
    world.publicized().await;

    // 1.3.2: every park sees the ranking of all; its own row is marked.
    let (park, owner) = (world.parks[2].0, world.owner(2).await);
    let ranking = owner.get(&world.path("ranking")).await.ok();
    assert_eq!(ranking["status"], "publicized");
    assert_eq!(table(&ranking.json), GOLDEN);
    assert_eq!(ranking["/rows/2/own"], true);
    assert_eq!(ranking["/rows/0/dimensions/A"], "25.10");
    assert_eq!(ranking["/rows/2/supplements"], 1);
    let anybody = app.as_visitor().get(&world.path("ranking")).await.ok();
    assert_eq!(
        (&anybody["status"], anybody["rows"].as_array().map(Vec::len)),
        (&json!("unpublished"), Some(0))
    );

    explained(&world).await;

    // The page to print carries the table and who printed it.
    let page = owner.get(&world.path("ranking.html")).await.expecting(200);
    let page = String::from_utf8_lossy(&page.bytes).into_owned();
    assert!(page.contains("海棠基地") && page.contains("52.56"));

    // 提出异议: B1 of the third park; previewed, accepted, republished as version 2.
    let body = json!({
        "cycleId": world.cycle, "target": {"type": "item", "code": "B1"}, "category": "data",
        "reason": "进出口额少计了十二月的一票报关单", "expectation": "按海关数据更正",
    });
    let objection = owner.post("objections", body.clone()).await.created();
    owner.post("objections", body).await.problem(409, "objection.already_open");
    app.settle().await;
    let answering = app.as_staff_named("answering", &[Role::Assessor]).await;
    let change = json!([{"parkId": park, "code": "B1", "adoptedValue": "86250.40"}]);
    let path = |step: &str| format!("objections/{}/{step}", objection.id());
    officer
        .post(&path("accept"), json!({"answer": "核对后予以更正。", "adjustments": change}))
        .await
        .problem(403, "objection.own_judgement");
    let preview = answering.post(&path("preview"), json!({"adjustments": change})).await.ok();
    let third = preview["moves"].as_array().unwrap().iter().find(|row| row["parkId"] == json!(park)).unwrap();
    assert_eq!((&third["totalBefore"], &third["totalAfter"]), (&json!("62.48"), &json!("70.81")));
    answering
        .post(&path("accept"), json!({"answer": "核对后予以更正。", "adjustments": change}))
        .await
        .is(200);
    app.settle().await;
    let second = owner.get(&world.path("ranking")).await.ok();
    assert_eq!((&second["version"], &second["/rows/2/total"]), (&json!(2), &json!("70.81")));
    let first = owner.get(&world.path("ranking?version=1")).await.ok();
    assert_eq!(table(&first.json), GOLDEN, "what was published stays readable");

    // 定榜 by a second person, once the publicity is over.
    officer.post(&world.path("finalize"), json!({})).await.problem(403, "ranking.same_person");
    answering.post(&world.path("finalize"), json!({})).await.problem(409, "ranking.publicity_running");
    world.day(60).await;
    let auditor = app.as_staff(Role::Auditor).await;
    let ended = auditor.get("audit/events?eventType=RankingPublicityEnded").await.ok();
    assert_eq!(ended["items"].as_array().map(Vec::len), Some(1), "a second version does not stop its clock");
    let (owner, answering) = (world.owner(2).await, app.as_staff_named("answering", &[Role::Assessor]).await);
    answering.post(&world.path("finalize"), json!({})).await.is(200);
    app.settle().await;
    let last = owner.get(&world.path("ranking")).await.ok();
    assert_eq!(last["status"], "final");
    let late = json!({
        "cycleId": world.cycle, "target": {"type": "total"}, "category": "other", "reason": "对总分有异议，请予复核",
    });
    owner.post("objections", late).await.is(409);
    app.close().await;
}
