//! Targets in the back office of a park of `parkOwner`.

use std::sync::Arc;

use axum::http::Method;
use domain::actor::{Actor, Role};
use domain::calendar::civil_date;
use domain::id::{ParkId, StaffId};
use domain::managed_enterprise::{EnterpriseInput, ManagedEnterprise, ManagedEnterpriseCommand};
use domain::news_article::{NewsArticle, NewsArticleCommand, NewsInput};
use domain::park::Standing;
use domain::review::ReviewCommand;
use domain::settlement_application::{SettlementApplication, SettlementApplicationCommand, SettlementInput};
use serde_json::json;
use tests::sample_files::form;
use uuid::Uuid;

use super::super::ENTERPRISE;
use super::World;

/// A roster of one enterprise.
pub fn roster() -> Vec<u8> {
    let header = "企业名称,统一社会信用代码,入驻日期,入驻状态,企业类型,主营品类,监管方式,法定代表人,联系人,联系电话,\
        办公面积(㎡),从业人数,上年交易额(万元),是否规上,备注";
    format!("{header}\n三亚甲贸易有限公司,91460200MA5TPK02XX,2024-06-01,在园,卖家,,,,,,,,,,\n").into_bytes()
}

impl World<'_> {
    /// A previewed import into the roster of a park of `parkOwner`.
    pub(super) async fn import(&self) -> Uuid {
        let park = self.park(false).await;
        let owner = self.callers().iter().find(|(name, _)| *name == "parkOwner").map(|(_, caller)| caller);
        let roster = roster();
        let (content_type, body) = form(&[("mode", "", b"add"), ("file", "a.csv", roster.as_slice())]);
        let path = format!("parks/{park}/enterprise-imports");
        let number = u8::try_from(park.as_u128() % 250).unwrap();
        let request = owner.unwrap().send(Method::POST, &path).raw(&content_type, body);
        request.from([10, 9, 0, number]).await.created().id()
    }

    /// An article of a park of `parkOwner`, pending or published.
    pub(super) async fn article(&self, published: bool) -> Uuid {
        let (park, by) = (self.park(false).await, self.person("parkOwner"));
        let id = self.app.state.app.clock.new_id();
        let standing = Standing::Member;
        let input = json!({"title": "园区举办跨境电商培训", "column": "updates", "source": "园区", "body": "<p>正文</p>"});
        let news = Box::new(serde_json::from_value::<NewsInput>(input).unwrap().parse().unwrap());
        let open = NewsArticleCommand::Open { park: ParkId(park), standing, news };
        self.order::<NewsArticle>(id, by.clone(), open).await;
        let submit = NewsArticleCommand::Submit { standing, terms: Arc::default(), confirmed: false };
        self.order::<NewsArticle>(id, by, submit).await;
        if published {
            let editor = Actor::Staff { staff: StaffId(Uuid::nil()), roles: [Role::Editor].into() };
            let approve = NewsArticleCommand::Judge(Box::new(ReviewCommand::Approve { comment: None }));
            self.order::<NewsArticle>(id, editor, approve).await;
        }
        id
    }

    /// An application of `user` to settle in a park of `parkOwner`.
    pub(super) async fn settlement(&self) -> Uuid {
        let (park, by) = (self.park(false).await, self.person("user"));
        let id = self.app.state.app.clock.new_id();
        let input = json!({"applicantType": "person", "contactName": "王小明", "contactPhone": "13900139000",
            "consentToShareContact": true});
        let input: SettlementInput = serde_json::from_value(input).unwrap();
        let application = Box::new(input.parse(self.account("user").0).unwrap());
        let park = ParkId(park);
        let submit = SettlementApplicationCommand::Submit {
            park,
            park_is_open: true,
            application,
            due_at: self.app.now(),
            previous: None,
        };
        self.order::<SettlementApplication>(id, by, submit).await;
        id
    }

    /// An enterprise on the roster of a park of `parkOwner`.
    pub(super) async fn enterprise(&self) -> Uuid {
        let (park, by) = (ParkId(self.park(false).await), self.person("parkOwner"));
        let id = self.app.state.app.clock.new_id();
        let input: EnterpriseInput = serde_json::from_str(ENTERPRISE).unwrap();
        let enterprise = Box::new(input.parse(id, civil_date(self.app.now())).unwrap());
        let add = ManagedEnterpriseCommand::Add {
            park,
            standing: Standing::Member,
            enterprise,
            settlement_application: None,
            import: None,
        };
        self.order::<ManagedEnterprise>(id, by, add).await;
        id
    }
}
