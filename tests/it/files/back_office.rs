//! Files of a park's news, and of applications to settle in it.

use super::*;

fn article(cover: Uuid, shown: Uuid, attachments: &[Uuid]) -> Value {
    json!({
        "title": "园区举办跨境电商培训",
        "column": "updates",
        "source": "园区",
        "cover": cover,
        "body": format!("<p>正文</p><img src=\"/api/v1/files/{shown}\"><img src=\"/api/v1/files/{shown}\">"),
        "attachments": attachments,
        "expiresOn": "2030-01-01",
    })
}

fn settlement(attachments: &[Uuid]) -> Value {
    json!({"applicantType": "person", "contactName": "王小明", "contactPhone": "13900139000",
        "consentToShareContact": true, "attachments": attachments})
}

#[tokio::test]
async fn files_of_news_are_public_as_long_as_the_news_are() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let colleague = app.registered(COLLEAGUE).await;
    park.owner.post(&park.path("staff"), json!({"phone": COLLEAGUE})).await.is(201);
    let (visitor, editor) = (app.as_visitor(), app.as_staff(Role::Editor).await);
    let cover = uploaded(&app, &park.owner, "a.png", &png()).await;
    let shown = uploaded(&app, &park.owner, "b.jpg", &jpeg(5_000)).await;
    let attached = uploaded(&app, &park.owner, "c.pdf", &pdf(1_000)).await;
    let status = async |expected: [u16; 3], when: &str| {
        app.settle().await;
        for file in [cover, shown, attached] {
            let mut found = Vec::new();
            for caller in [&colleague, &editor, &visitor] {
                found.push(read(caller, file).await.status.as_u16());
            }
            assert_eq!(found, expected, "{when}");
        }
    };
    status([404, 404, 404], "only their owner knows them").await;
    let news = article(cover, shown, &[attached]);
    let opened = park.owner.post(&park.path("news"), news.clone()).await.created();
    let path = format!("news/{}", opened.id());
    let step = |step: &str| format!("{path}/{step}");
    status([200, 404, 404], "the park works on a draft together").await;
    colleague.put(&path, news).await.is(200);
    park.owner.post(&step("submit"), json!({})).await.is(200);
    status([200, 200, 404], "what is handed in is reviewed").await;
    editor.post(&step("approve"), json!({})).await.is(200);
    status([200, 200, 200], "what is published is public").await;
    editor.post(&step("take-down"), json!({"reason": "内容与事实不符"})).await.is(200);
    status([200, 200, 404], "taken down").await;
    editor.post(&step("restore"), json!({})).await.is(200);
    status([200, 200, 200], "put back").await;
    park.owner.delete(&path).json(&json!({"confirm": "园区举办跨境电商培训"})).await.is(200);
    status([200, 200, 404], "deleted").await;
    park.owner.post(&step("restore"), json!({})).await.is(200);
    status([200, 200, 200], "restored").await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    status([200, 200, 404], "a suspended park is hidden").await;
    app.close().await;
}

#[tokio::test]
async fn news_names_only_files_that_its_author_may_put_there() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let other = app.registered(OTHER).await;
    let others = uploaded(&app, &other, "a.png", &png()).await;
    let document = uploaded(&app, &park.owner, "b.pdf", &pdf(1_000)).await;
    let refused = park.owner.post(&park.path("news"), article(document, others, &[document, others])).await;
    let wrong =
        [("/attachments/1", "file.not_found"), ("/body", "file.not_found"), ("/cover", "file.not_image")];
    assert_eq!(refused.problem(422, "request.invalid").errors(), wrong);
    app.close().await;
}

#[tokio::test]
async fn the_park_reads_what_an_applicant_attached_and_nobody_else_does() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let (applicant, visitor) = (app.registered(OTHER).await, app.as_visitor());
    let reviewer = app.as_staff(Role::Reviewer).await;
    let file = uploaded(&app, &applicant, "计划.pdf", &pdf(1_000)).await;
    read(&park.owner, file).await.problem(404, "resource.not_found");
    let path = park.path("settlement-applications");
    let others = uploaded(&app, &park.owner, "a.pdf", &pdf(2_000)).await;
    let refused = applicant.post(&path, settlement(&[file, others])).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/attachments/1", "file.not_found")]);
    applicant.post(&path, settlement(&[file])).await.is(201);
    app.settle().await;
    read(&park.owner, file).await.is(200);
    for caller in [&visitor, &reviewer] {
        read(caller, file).await.problem(404, "resource.not_found");
    }
    app.close().await;
}
