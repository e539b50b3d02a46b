//! Which files may be named where.

use super::*;

#[tokio::test]
async fn only_own_accepted_files_of_the_right_kind_can_be_named() {
    let app = TestApp::new().await;
    let (person, other) = (app.registered(OWNER).await, app.registered(OTHER).await);
    let picture = uploaded(&app, &person, "a.png", &png()).await;
    let document = uploaded(&app, &person, "b.pdf", &pdf(1_000)).await;
    let others = uploaded(&app, &other, "c.png", &png()).await;
    let missing = Uuid::from_u128(7);
    let open = |images: &[Uuid], certificates: &[Uuid]| {
        let profile = profile_with("有附件的园区", images, certificates);
        person.post("provider-applications", json!({"kind": "park", "profile": profile}))
    };
    let refused = open(&[picture, others, document, missing], &[others, document]).await;
    assert_eq!(
        refused.problem(422, "request.invalid").errors(),
        [
            ("/profile/certificates/0", "file.not_found"),
            ("/profile/images/1", "file.not_found"),
            ("/profile/images/2", "file.not_image"),
            ("/profile/images/3", "file.not_found"),
        ]
    );
    let opened = open(&[picture], &[document]).await.created();
    let path = format!("provider-applications/{}", opened.id());
    let body = json!({"profile": profile_with("换了附件的园区", &[others], &[])});
    let refused = person.put(&path, body).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/profile/images/0", "file.not_found")]);
    app.close().await;
}

#[tokio::test]
async fn a_file_can_be_named_before_any_read_model_has_seen_it() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let picture = person.upload("a.png", &png()).await.created().id();
    let body = json!({"kind": "park", "profile": profile_with("刚上传的园区", &[picture], &[])});
    person.post("provider-applications", body).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn members_keep_each_others_files_on_their_park_and_nobody_takes_them_elsewhere() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let colleague = app.registered(COLLEAGUE).await;
    park.owner.post(&park.path("staff"), json!({"phone": COLLEAGUE})).await.is(201);
    let picture = uploaded(&app, &park.owner, "a.png", &png()).await;
    let revise = async |by: &Caller<'_>, name: &str, images: &[Uuid]| -> Answer {
        let body = json!({"profile": profile_with(name, images, &[]), "replacePending": true});
        by.post(&park.path("profile-revisions"), body).await
    };
    let unseen = revise(&colleague, "第一次", &[picture]).await.problem(422, "request.invalid");
    assert_eq!(unseen.errors(), [("/profile/images/0", "file.not_found")]);
    revise(&park.owner, "第二次", &[picture]).await.is(201);
    app.settle().await;
    revise(&colleague, "第三次", &[picture]).await.is(201);
    let elsewhere = json!({"kind": "park", "profile": profile_with("别处的园区", &[picture], &[])});
    let refused = colleague.post("provider-applications", elsewhere).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/profile/images/0", "file.not_found")]);
    let outsider = app.registered(OTHER).await;
    let refused = revise(&outsider, "外人的", &[picture]).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/profile/images/0", "file.not_found")]);
    app.close().await;
}
