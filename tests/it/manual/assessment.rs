//! The manual's chapters, walked step by step by whoever runs a park: 1.3.1 考核填报, 1.3.2 考核排名.
//!
//! Each test is named after its chapter and follows its text; what the authority does in between is only what lets the
//! next step happen.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::{Caller, TestApp};

use crate::assessment::World;

/// The codes of the back office's pages, as the menu offers them.
async fn back_office(owner: &Caller<'_>) -> Vec<String> {
    let menu = owner.get("me/menu").await.ok();
    let groups = menu["groups"].as_array().unwrap().iter();
    let of_park = groups.filter(|group| group["label"] == "服务商后台");
    let items = of_park.flat_map(|group| group["items"].as_array().unwrap());
    items.map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

/// What the list of items says of one of them: label of its state, and its button.
async fn listed(world: &World<'_>, code: &str) -> [String; 2] {
    world.app.settle().await;
    let list = world.owner(0).await.get(&world.path("filing")).await.ok();
    let item = list["items"].as_array().unwrap().iter().find(|item| item["code"] == code).unwrap().clone();
    ["statusLabel", "button"].map(|field| item[field].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn manual_1_3_1_a_park_fills_in_its_assessment() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;

    // 进入服务商后台，打开“考核填报”：指标列表。
    let owner = world.owner(0).await;
    assert!(back_office(&owner).await.contains(&"考核填报".to_owned()));
    let list = owner.get(&world.path("filing")).await.ok();
    assert_eq!(
        (&list["title"], &list["window"]),
        (&json!("2025年度三亚跨境电商园区（基地）考核"), &json!("filing"))
    );
    assert_eq!(list["items"].as_array().map(Vec::len), Some(21));
    assert_eq!(listed(&world, "A1").await, ["未填报", "file"]);

    // 点击“填报”，填写并保存；填错时说明错在哪里，什么也不留下。
    let fill = async |code: &str, value: Value| {
        let path = world.path(&format!("filing/items/{code}"));
        world.owner(0).await.put(&path, json!({"value": value})).await
    };
    let wrong = fill("A3", json!({"numerator": "40000", "denominator": "36000"})).await;
    assert!(wrong.problem(422, "assessment_submission.invalid").errors()[0].0.starts_with("/value"));
    assert_eq!(listed(&world, "A3").await, ["未填报", "file"]);
    fill("A1", json!("35")).await.is(200);
    fill("A3", json!({"numerator": "31200", "denominator": "36000"})).await.is(200);
    assert_eq!(listed(&world, "A1").await, ["草稿", "file"]);

    // “确定”提交；截止之前可以修改后再次提交。
    owner.post(&world.path("filing/submit"), json!({})).await.is(200);
    assert_eq!(listed(&world, "A1").await, ["已提交", "file"]);
    fill("A1", json!("36")).await.is(200);
    owner.post(&world.path("filing/submit"), json!({"items": ["A1"]})).await.is(200);
    app.settle().await;
    let list = owner.get(&world.path("filing")).await.ok();
    let a1 = list["items"].as_array().unwrap().iter().find(|item| item["code"] == "A1").unwrap();
    assert_eq!(
        (&a1["state"]["filed"]["entry"]["value"], &a1["state"]["filed"]["revision"]),
        (&json!("36"), &json!(2))
    );

    // 逾期未填的指标点击“补填”，写明原因后“确定”；“补填”的标记一直保留。
    world.day(21).await;
    assert_eq!(listed(&world, "A1").await, ["已提交", "none"]);
    assert_eq!(listed(&world, "A4").await, ["逾期未填", "supplement"]);
    let owner = world.owner(0).await;
    let supplement = |reason: &str| {
        owner.post(&world.path("filing/supplement"), json!({"items": ["A4"], "reason": reason}))
    };
    fill("A4", json!("3")).await.is(200);
    assert_eq!(
        supplement("漏填").await.problem(422, "assessment_submission.invalid").errors()[0].0,
        "/reason"
    );
    supplement("交易额统计口径需与企业核对，现补报").await.is(200);
    assert_eq!(listed(&world, "A4").await, ["已补填", "none"]);
    let list = owner.get(&world.path("filing")).await.ok();
    assert_eq!(list["supplements"], 1);

    // 补填期也过了：不能再填，并说明何时截止。
    world.day(28).await;
    let late = fill("C2", json!({"s": "14", "p": "720"})).await;
    late.problem(409, "assessment_submission.window_closed");
    app.close().await;
}

#[tokio::test]
async fn manual_1_3_2_a_park_reads_prints_and_disputes_the_ranking() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;

    // 打开“考核排名”：公布之前说明尚未公布。
    let owner = world.owner(1).await;
    assert!(back_office(&owner).await.contains(&"考核排名".to_owned()));
    let before = owner.get(&world.path("ranking")).await.ok();
    assert_eq!((&before["status"], &before["rows"]), (&json!("unpublished"), &json!([])));
    owner.get(&world.path("ranking.html")).await.problem(409, "ranking.unpublished");

    // 公布之后：全部园区/基地的排名，本园区所在行有标记。
    world.publicized().await;
    let ranking = owner.get(&world.path("ranking")).await.ok();
    let ranks: Vec<&Value> = ranking["rows"].as_array().unwrap().iter().map(|row| &row["rank"]).collect();
    assert_eq!(ranks, [1, 2, 3, 4]);
    let own: Vec<&Value> = ranking["rows"].as_array().unwrap().iter().map(|row| &row["own"]).collect();
    assert_eq!(own, [false, true, false, false]);
    assert_eq!((&ranking["/rows/1/total"], &ranking["/rows/1/grade"]), (&json!("84.03"), &json!("成效较好")));
    assert_eq!(ranking["/publicity/open"], true);

    // “打印”：A4 横向、表头重复、带页码与水印的页面。
    let page = owner.get(&world.path("ranking.html")).await.expecting(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy").contains("style-src 'unsafe-inline'"),
        "or it is printed plain"
    );
    let page = String::from_utf8(page.bytes.to_vec()).unwrap();
    for part in ["A4 landscape", "table-header-group", "counter(page)", "吉阳园区", "84.03", "用户 "] {
        assert!(page.contains(part), "{part}");
    }

    // “提出异议”：填写原因，“确定提出”。
    let raise = |reason: &str| {
        let body = json!({
            "cycleId": world.cycle, "target": {"type": "item", "code": "C2"}, "category": "score", "reason": reason,
        });
        owner.post("objections", body)
    };
    assert_eq!(raise("不服").await.problem(422, "objection.invalid").errors()[0].0, "/reason");
    let raised = raise("培训人次统计漏计了十一月的两场，请复核").await.created();
    raise("培训人次统计漏计了十一月的两场，请复核").await.problem(409, "objection.already_open");
    app.settle().await;
    let path = format!("objections/{}", raised.id());
    let waiting = owner.get(&path).await.ok();
    assert_eq!((&waiting["status"], &waiting["overdue"]), (&json!("raised"), &json!(false)));
    assert!(waiting["dueAt"].is_string());
    assert!(world.owner(0).await.get("objections").await.ok().items().is_empty(), "others' are not told");

    // 查看答复。
    let officer = app.as_staff_named("answering", &[Role::Assessor]).await;
    let answer = "已核对培训签到表，两场培训不在考核期内，维持原评分。";
    officer.post(&format!("{path}/reject"), json!({"answer": answer})).await.is(200);
    app.settle().await;
    let answered = owner.get(&path).await.ok();
    assert_eq!((&answered["status"], &answered["/answer/answer"]), (&json!("rejected"), &json!(answer)));

    // 公示期满后不能再提出异议。
    world.day(60).await;
    let body = json!({
        "cycleId": world.cycle, "target": {"type": "total"}, "category": "other", "reason": "对总分有异议，请予以复核",
    });
    world.owner(1).await.post("objections", body).await.problem(409, "objection.window_closed");
    app.close().await;
}
