//! 下载排名: the workbook says what the ranking says, to each as much as they may see, and every download is on record.

use domain::actor::Role;
use domain::assessment_scheme::sample;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{Answer, Caller, TestApp};

use super::workbook::{Book, Sheet};
use super::world::World;

const SHEETS: [&str; 4] = ["排名", "指标得分明细", "计分规则", "导出说明"];

async fn export(world: &World<'_>, caller: &Caller<'_>) -> (Answer, Book) {
    let answer = caller.get(&world.path("ranking.xlsx")).await.ok();
    let book = Book::read(&answer.bytes);
    (answer, book)
}

fn decimal(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Whether the table says what the ranking says.
fn compare(sheet: &Sheet, ranking: &Value) {
    let (header, titles) = sheet.header("名次");
    let column =
        |title: &str| u16::try_from(titles.iter().position(|known| known == title).unwrap()).unwrap();
    let rows = ranking["rows"].as_array().unwrap();
    assert_eq!(sheet.last_row() - header, u32::try_from(rows.len()).unwrap());
    for (row, said) in (header + 1..).zip(rows) {
        let number = |title: &str| sheet.number(row, column(title));
        assert_eq!(number("名次"), said["rank"].as_f64());
        assert_eq!(sheet.text(row, column("园区/基地")), said["parkName"].as_str().unwrap());
        assert_eq!(sheet.text(row, column("等次")), said["grade"].as_str().unwrap());
        for (title, name) in [("总分", "total"), ("基本分", "base"), ("加分", "bonus"), ("扣分", "deduction")]
        {
            assert_eq!(number(title), Some(decimal(&said[name])), "{title}");
        }
        for (title, code) in
            [("A 集聚发展", "A"), ("B 业务规模", "B"), ("C 公共服务", "C"), ("D 规范管理", "D")]
        {
            assert_eq!(number(title), Some(decimal(&said["dimensions"][code])), "{title}");
        }
        assert_eq!(number("补填项数"), said["supplements"].as_f64());
        assert_eq!(sheet.text(row, column("备注")) == "本单位", said["own"] == true);
    }
}

#[tokio::test]
async fn a_park_takes_the_ranking_home_with_its_own_details_and_nobody_elses() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let early = world.owner(2).await.get(&world.path("ranking.xlsx")).await;
    early.problem(409, "ranking.unpublished");
    world.filed_and_judged().await;
    world.publicized().await;
    app.as_visitor().get(&world.path("ranking.xlsx")).await.problem(401, "session.required");
    let owner = world.owner(2).await;
    let ranking = owner.get(&world.path("ranking")).await.ok();
    let (answer, book) = export(&world, &owner).await;
    assert_eq!(book.tabs(), SHEETS);
    compare(book.sheet("排名"), &ranking.json);
    let hash = ranking["/versions/0/inputsHash"].as_str().unwrap();
    let above: Vec<String> = (0..5).map(|row| book.sheet("排名").text(row, 0)).collect();
    assert!(above.iter().any(|line| line.contains(hash)), "{above:?}");
    assert!(above.iter().any(|line| line.contains("第 1 版（公示至")), "{above:?}");
    assert!(above.iter().any(|line| line.contains("138****0302")), "{above:?}");

    let details = book.sheet("指标得分明细");
    let (header, titles) = details.header("园区/基地");
    let column =
        |title: &str| u16::try_from(titles.iter().position(|known| known == title).unwrap()).unwrap();
    let rows = header + 1..=details.last_row();
    assert_eq!(rows.clone().count(), sample::scheme().items().count());
    assert!(rows.clone().all(|row| details.text(row, 0) == "天涯基地"), "its own only");
    let b1 = rows.clone().find(|row| details.text(*row, column("指标编码")) == "B1").unwrap();
    assert_eq!(details.number(b1, column("得分")), Some(6.67));
    assert_eq!(details.text(b1, column("填报值")), "38340.00");
    assert!(details.text(b1, column("计算说明")).contains("86250.4"));
    let trace = owner.get(&world.path(&format!("ranking/rows/{}/trace", world.parks[2].0))).await.ok();
    for (row, item) in rows.zip(trace["items"].as_array().unwrap()) {
        assert_eq!(details.number(row, column("得分")), Some(decimal(&item["points"])), "{item}");
        assert_eq!(details.text(row, column("计算说明")), item["sentence"].as_str().unwrap());
    }
    let rules = book.sheet("计分规则");
    assert_eq!(
        rules.last_row() - rules.header("维度").0,
        u32::try_from(sample::scheme().items().count()).unwrap()
    );

    // On record: who took which version, and the very file.
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let recorded = auditor.get("audit/events?eventType=OperationRankingExported").await.ok();
    let event = &recorded["items"][0];
    assert_eq!(event["payload"]["sha256"], hex::encode(Sha256::digest(&answer.bytes)), "{event}");
    assert_eq!((&event["payload"]["format"], &event["payload"]["version"]), (&"xlsx".into(), &1.into()));
    let about = book.sheet("导出说明");
    let number = (0..=about.last_row()).find(|row| about.text(*row, 0) == "导出编号").unwrap();
    assert_eq!(event["aggregateId"], about.text(number, 1));
    app.close().await;
}

#[tokio::test]
async fn staff_take_all_details_and_others_places_only() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    let officer = app.as_staff(Role::Assessor).await;
    officer.post(&world.path("compute"), json!({})).await.is(200);
    app.settle().await;
    // Not published yet: staff have it, parks have not.
    let (_, draft) = export(&world, &officer).await;
    assert!(draft.sheet("排名").text(2, 0).contains("未公示"));
    world.owner(0).await.get(&world.path("ranking.xlsx")).await.problem(409, "ranking.unpublished");
    officer.post(&world.path("publicize"), json!({"scope": "public"})).await.is(200);
    app.settle().await;
    let (_, book) = export(&world, &officer).await;
    compare(book.sheet("排名"), &officer.get(&world.path("ranking")).await.ok().json);
    let details = book.sheet("指标得分明细");
    let items = sample::scheme().items().count();
    let rows = details.last_row() - details.header("园区/基地").0;
    assert_eq!(rows, u32::try_from(4 * items).unwrap());
    let somebody = app.registered("13800000397").await;
    let (_, public) = export(&world, &somebody).await;
    assert_eq!(public.tabs(), ["排名", "导出说明"]);
    assert_eq!(public.sheet("排名").header("名次").1.len(), 7, "places, totals and grades");
    app.close().await;
}

#[tokio::test]
async fn an_older_version_keeps_its_points_and_says_why_nothing_stands_behind_them() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    world.publicized().await;
    let (park, owner) = (world.parks[2].0, world.owner(2).await);
    let body = json!({
        "cycleId": world.cycle, "target": {"type": "item", "code": "B1"}, "category": "data",
        "reason": "进出口额少计了十二月的一票报关单",
    });
    let objection = owner.post("objections", body).await.created().id();
    app.settle().await;
    let answering = app.as_staff_named("answering", &[Role::Assessor]).await;
    let change = json!([{"parkId": park, "code": "B1", "adoptedValue": "86250.40"}]);
    let answer = json!({"answer": "核对后予以更正。", "adjustments": change});
    answering.post(&format!("objections/{objection}/accept"), answer).await.is(200);
    app.settle().await;
    let b1 = async |path: &str| {
        let book = Book::read(&owner.get(&world.path(path)).await.ok().bytes);
        let details = book.sheet("指标得分明细");
        let (header, titles) = details.header("园区/基地");
        let column =
            |title: &str| titles.iter().position(|known| known == title).unwrap().try_into().unwrap();
        let row = (header..=details.last_row()).find(|row| details.text(*row, column("指标编码")) == "B1");
        let told = (0..header).any(|row| details.text(row, 0).contains("已更正"));
        let text = |title: &str| details.text(row.unwrap(), column(title));
        (details.number(row.unwrap(), column("得分")), text("采信值"), text("备注"), told)
    };
    let (now, then) = (b1("ranking.xlsx").await, b1("ranking.xlsx?version=1").await);
    assert_eq!(now, (Some(15.0), "86250.40".to_owned(), "经异议复核调整".to_owned(), false));
    assert_eq!(then, (Some(6.67), String::new(), String::new(), true));
    app.close().await;
}
