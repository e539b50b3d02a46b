//! News of a park (manual 1.3.4): written, returned, corrected, approved, read by the public, edited, taken down, deleted
//! and restored.

use chrono::TimeDelta;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::stories::Established;
use tests::{Caller, TestApp};
use uuid::Uuid;

const OWNER: &str = "13800000081";
const OTHER: &str = "13800000082";
const TITLE: &str = "崖州湾园区举办跨境电商培训";

fn article(title: &str) -> Value {
    json!({
        "title": title,
        "column": "updates",
        "source": "崖州湾园区",
        "body": "<p>十一月二十日，<strong>六十家</strong>企业参加了培训。</p>",
    })
}

async fn drafted(park: &Established<'_>, news: Value) -> String {
    let opened = park.owner.post(&park.path("news"), news.clone()).await.created();
    format!("news/{}", opened.id())
}

async fn published(app: &TestApp, park: &Established<'_>, news: Value) -> String {
    let path = drafted(park, news).await;
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    editor(app).await.post(&format!("{path}/approve"), json!({})).await.is(200);
    app.settle().await;
    path
}

async fn editor(app: &TestApp) -> Caller<'_> {
    app.as_staff(Role::Editor).await
}

#[tokio::test]
async fn an_article_is_returned_corrected_and_published_as_the_manual_walks_it() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = drafted(&park, json!({"title": TITLE})).await;
    let incomplete =
        park.owner.post(&format!("{path}/submit"), json!({})).await.problem(422, "news.incomplete");
    let missing = ["/body", "/column", "/source"].map(|field| (field, "field.required"));
    assert_eq!(incomplete.errors(), missing);
    park.owner.put(&path, article(TITLE)).await.is(200);
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    app.as_visitor().get(&path).await.problem(404, "resource.not_found");

    let editor = editor(&app).await;
    let queue = editor.get("reviews?kind=newsArticle").await.ok();
    assert_eq!((&queue["total"], &queue["/items/0/title"]), (&json!(1), &json!(TITLE)));
    let id = queue["/items/0/id"].as_str().unwrap().to_owned();
    editor.post(&format!("reviews/newsArticle/{id}/claim"), json!({})).await.is(200);
    let notes = json!({"reason": "请补充主办单位", "fields": [{"pointer": "/body", "note": "写明主办单位"}]});
    editor.post(&format!("{path}/return"), notes).await.is(200);
    let mut better = article(TITLE);
    better["body"] = "<p>由园区主办。</p>".into();
    park.owner.put(&path, better).await.is(200);
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    let inside = editor.get(&path).await.ok();
    assert_eq!(inside["/revisions/1/diff/0/pointer"], "/body");
    assert_eq!(inside["draft"], Value::Null, "what is being worked on is the park's alone");
    editor.post(&format!("{path}/approve"), json!({"comment": "同意"})).await.is(200);
    app.settle().await;

    let page = app.as_visitor().get(&path).await.ok();
    assert_eq!((&page["/news/title"], &page["/news/body"]), (&json!(TITLE), &json!("<p>由园区主办。</p>")));
    assert_eq!((&page["article"], &page["revisions"]), (&Value::Null, &Value::Null));
    let list = app.as_visitor().get("news").await.ok();
    assert_eq!((&list["total"], &list["/items/0/news/body"]), (&json!(1), &Value::Null));
    app.close().await;
}

#[tokio::test]
async fn a_published_article_stays_until_its_next_revision_is_approved() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = published(&app, &park, article(TITLE)).await;
    let next = "崖州湾园区再办跨境电商培训";
    park.owner.put(&path, article(next)).await.is(200);
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    assert_eq!(app.as_visitor().get(&path).await.ok()["/news/title"], TITLE);
    park.owner.put(&path, article("崖州湾园区三办跨境电商培训")).await.is(200);
    let editor = editor(&app).await;
    editor.post(&format!("{path}/approve"), json!({})).await.problem(409, "review.not_pending");
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    editor.post(&format!("{path}/reject"), json!({"reason": "与前一篇重复"})).await.is(200);
    app.settle().await;
    assert_eq!(app.as_visitor().get(&path).await.ok()["/news/title"], TITLE);
    let own = park.owner.get(&park.path("news")).await.ok();
    assert_eq!(
        (&own["/items/0/status"], &own["/items/0/visibility"]),
        (&json!("rejected"), &json!("published"))
    );
    app.close().await;
}

#[tokio::test]
async fn markup_that_may_not_be_published_is_taken_out_and_told() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let mut news = article(TITLE);
    news["body"] = "<p onclick=\"x()\">正文</p><script>alert(1)</script><style>p{}</style>".into();
    let opened = park.owner.post(&park.path("news"), news.clone()).await.created();
    assert_eq!(opened["/warnings/0/pointer"], "/body");
    let told = opened["/warnings/0/detail"].as_str().unwrap();
    assert!(["<script>", "<style>", "onclick"].iter().all(|what| told.contains(what)), "{told}");
    app.settle().await;
    let path = format!("news/{}", opened.id());
    assert_eq!(park.owner.get(&path).await.ok()["/draft/body"], "<p>正文</p>");
    let untouched = park.owner.put(&path, article(TITLE)).await.ok();
    assert_eq!(untouched["warnings"], Value::Null);
    news["body"] = "<div>".repeat(200).into();
    let refused = park.owner.put(&path, news.clone()).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/body", "news.markup_too_complex")]);
    app.close().await;
}

#[tokio::test]
async fn numbers_of_persons_and_sensitive_terms_are_confirmed_by_the_author_and_seen_by_the_editor() {
    let terms = std::env::temp_dir().join(format!("zsq-terms-{}", std::process::id()));
    std::fs::write(&terms, "# 广告法\n最佳\n").unwrap();
    let app = TestApp::with(&[("ZSQ_SENSITIVE_TERMS", terms.to_str().unwrap())]).await;
    std::fs::remove_file(&terms).unwrap();
    let park = app.established(OWNER).await;
    let mut news = article("全省最佳园区开园了");
    news["body"] = "<p>联系 138 0000 0000，证件 11010519491231002X</p>".into();
    let path = drafted(&park, news).await;
    app.settle().await;
    let seen = park.owner.get(&path).await.ok();
    assert_eq!(seen["/hits/0/detail"], "第 3–4 字：敏感词“最佳”");
    let refused =
        park.owner.post(&format!("{path}/submit"), json!({})).await.problem(422, "news.hits_unconfirmed");
    let found = [
        ("/body", "news.mobile_number"),
        ("/body", "news.identity_number"),
        ("/title", "news.sensitive_term"),
    ];
    let mut errors = refused.errors();
    errors.sort_unstable_by_key(|(pointer, code)| (*pointer, std::cmp::Reverse(*code)));
    assert_eq!(errors, found);
    park.owner.post(&format!("{path}/submit"), json!({"confirmHits": true})).await.is(200);
    app.settle().await;
    let inside = editor(&app).await.get(&path).await.ok();
    assert_eq!(inside["/confirmedHits/0/kind"], "sensitiveTerm");
    assert_eq!(inside["hits"].as_array().unwrap().len(), 3);
    app.close().await;
}

#[tokio::test]
async fn an_editor_takes_an_article_down_and_puts_it_back() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = published(&app, &park, article(TITLE)).await;
    let editor = editor(&app).await;
    let reason = json!({"reason": "内容与事实不符"});
    park.owner.post(&format!("{path}/take-down"), reason.clone()).await.problem(403, "access.forbidden");
    editor.post(&format!("{path}/take-down"), reason).await.is(200);
    app.settle().await;
    app.as_visitor().get(&path).await.problem(404, "resource.not_found");
    assert_eq!(app.as_visitor().get("news").await.ok()["total"], 0);
    let own = park.owner.get(&path).await.ok();
    let told = (&own["/article/visibility"], &own["/article/takenDownReason"]);
    assert_eq!(told, (&json!("takenDown"), &json!("内容与事实不符")));
    editor.post(&format!("{path}/restore"), json!({})).await.is(200);
    app.settle().await;
    app.as_visitor().get(&path).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_deleted_article_is_gone_and_can_be_restored_for_thirty_days() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = published(&app, &park, article(TITLE)).await;
    let never_public = drafted(&park, article("还没有发布的资讯")).await;
    let delete = async |path: &str, confirm: &str| {
        let owner = app.as_person(OWNER).await;
        owner.send(axum::http::Method::DELETE, path).json(&json!({ "confirm": confirm })).await
    };
    let without = park.owner.delete(&path).json(&json!({})).await.problem(422, "request.invalid");
    assert_eq!(without.errors(), [("/confirm", "field.required")]);
    delete(&path, "另一个标题").await.problem(422, "news.not_confirmed");
    delete(&path, TITLE).await.is(200);
    delete(&path, TITLE).await.is(200);
    delete(&never_public, "还没有发布的资讯").await.is(200);
    app.settle().await;
    let gone = app.as_visitor().get(&path).await.problem(410, "news.deleted");
    assert_eq!(gone["detail"], "内容已删除");
    app.as_visitor().get(&never_public).await.problem(404, "resource.not_found");
    assert_eq!(park.owner.get(&park.path("news")).await.ok()["total"], 0);
    let bin = park.owner.get(&park.path("news?visibility=deleted")).await.ok();
    assert_eq!(bin["total"], 2);
    assert!(bin["/items/0/restorableUntil"].is_string());
    park.owner.put(&path, article(TITLE)).await.problem(409, "news.deleted");

    app.wait(TimeDelta::days(29));
    let owner = app.as_person(OWNER).await;
    owner.post(&format!("{path}/restore"), json!({})).await.is(200);
    app.settle().await;
    app.as_visitor().get(&path).await.is(200);
    app.wait(TimeDelta::days(2));
    let owner = app.as_person(OWNER).await;
    owner.post(&format!("{never_public}/restore"), json!({})).await.problem(409, "news.restore_expired");
    app.close().await;
}

#[tokio::test]
async fn the_public_searches_reads_and_caches_what_has_not_expired() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let mut expiring = article("只在本周有效的通知");
    expiring["column"] = "notices".into();
    expiring["expiresOn"] = app.now().date_naive().to_string().into();
    let notice = published(&app, &park, expiring).await;
    // The clock of the test stands still: what is published at one instant has no order.
    app.wait(TimeDelta::minutes(1));
    let path = published(&app, &park, article(TITLE)).await;
    let visitor = app.as_visitor();
    let titles = async |query: &str| -> Vec<String> {
        let page = app.as_visitor().get(&format!("news{query}")).await.ok();
        page.items().iter().map(|row| row["news"]["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("").await, [TITLE, "只在本周有效的通知"], "newest first");
    assert_eq!(titles("?q=六十家%20培训").await.len(), 2, "the text that readers see, across tags");
    assert_eq!(titles("?q=本周").await, ["只在本周有效的通知"]);
    assert_eq!(titles("?q=strong").await.len(), 0, "tags are no text");
    assert_eq!(titles("?q=%25").await.len(), 0);
    assert_eq!(titles("?column=notices").await, ["只在本周有效的通知"]);
    assert_eq!(titles(&format!("?park={}", Uuid::nil())).await.len(), 0);
    visitor.get("news?column=gossip").await.problem(422, "request.invalid");

    for address in ["news", path.as_str(), "parks", park.path("").as_str()] {
        let first = visitor.get(address).await.ok();
        assert_eq!(first.header("cache-control"), "public, no-cache", "{address}");
        let tag = first.header("etag").to_owned();
        visitor.get(address).header("if-none-match", &tag).await.is(304);
    }
    app.wait(TimeDelta::days(2));
    visitor.get(&notice).await.problem(404, "resource.not_found");
    assert_eq!(titles("").await, [TITLE]);
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    app.settle().await;
    visitor.get(&path).await.problem(404, "resource.not_found");
    assert_eq!(titles("").await.len(), 0);
    let owner = app.as_person(OWNER).await;
    owner.post(&format!("{path}/withdraw"), json!({})).await.problem(409, "park.suspended");
    app.close().await;
}

#[tokio::test]
async fn another_parks_articles_are_not_there_and_queues_show_what_one_may_judge() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let other = app.established(OTHER).await;
    let path = drafted(&park, article(TITLE)).await;
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    other.owner.get(&path).await.problem(404, "resource.not_found");
    other.owner.get(&park.path("news")).await.problem(404, "resource.not_found");
    other.owner.put(&path, article(TITLE)).await.problem(404, "news.not_found");
    let body = json!({"confirm": TITLE});
    other.owner.delete(&path).json(&body).await.problem(404, "news.not_found");
    other.owner.post(&park.path("news"), article(TITLE)).await.problem(404, "park.not_found");
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&format!("{path}/approve"), json!({})).await.problem(403, "access.forbidden");
    assert_eq!(reviewer.get("reviews").await.ok()["total"], 0);
    let waiting = app.submitted("13800000083").await;
    let editor = editor(&app).await;
    let kinds = async |caller: &Caller<'_>| -> Vec<String> {
        let page = caller.get("reviews").await.ok();
        page.items().iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (kinds(&editor).await, kinds(&reviewer).await),
        (vec!["newsArticle".into()], vec!["providerApplication".into()])
    );
    assert_eq!(editor.get("reviews?kind=providerApplication").await.ok()["total"], 0);
    editor.post(&waiting.path("approve"), json!({})).await.problem(403, "access.forbidden");
    app.close().await;
}
