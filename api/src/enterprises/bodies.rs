//! Bodies of the roster. `AddEnterprise` and `EditEnterprise` are the `enterprise` payload with a field more each: one flat
//! object each, as client generators want it.

use domain::managed_enterprise::EnterpriseInput;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a body with the fields of the `enterprise` payload and one more, and how it becomes an [`EnterpriseInput`].
macro_rules! enterprise_body {
    ($(#[$doc:meta])* $name:ident as $schema:ident, $(#[$more_doc:meta])* $more:ident: $kind:ty) => {
        $(#[$doc])*
        #[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[schema(as = $schema)]
        pub struct $name {
            /// 企业名称, 2–100 characters. Required.
            pub name: Option<String>,
            /// 统一社会信用代码. Required.
            pub credit_code: Option<String>,
            /// 入驻日期, `YYYY-MM-DD`, not later than today. Required.
            #[schema(format = "date")]
            pub settled_on: Option<String>,
            /// 入驻状态: `resident` or `left`. Required.
            pub status: Option<String>,
            /// 企业类型: code of the dictionary `enterpriseCategories`. Required.
            pub category: Option<String>,
            /// 主营品类, at most 200 characters.
            pub products: Option<String>,
            /// 监管方式: codes of the dictionary `customsRegimes`.
            pub regimes: Option<Vec<String>>,
            /// 法定代表人. Personal data.
            pub legal_representative: Option<String>,
            /// 联系人. Personal data.
            pub contact_name: Option<String>,
            /// 联系电话: mobile, fixed or service line. Personal data.
            pub contact_phone: Option<String>,
            /// 办公面积, m², a decimal string.
            #[schema(format = "decimal")]
            pub office_area_sqm: Option<String>,
            /// 从业人数
            #[schema(minimum = 0, maximum = 1_000_000)]
            pub employees: Option<u32>,
            /// 上年交易额, 万元, a decimal string.
            #[schema(format = "decimal")]
            pub last_year_turnover_wan: Option<String>,
            /// 是否规上
            pub above_scale: Option<bool>,
            /// 备注, at most 500 characters.
            pub remark: Option<String>,
            $(#[$more_doc])*
            pub $more: $kind,
        }

        impl From<$name> for EnterpriseInput {
            fn from(body: $name) -> Self {
                Self {
                    name: body.name,
                    credit_code: body.credit_code,
                    settled_on: body.settled_on,
                    status: body.status,
                    category: body.category,
                    products: body.products,
                    regimes: body.regimes,
                    legal_representative: body.legal_representative,
                    contact_name: body.contact_name,
                    contact_phone: body.contact_phone,
                    office_area_sqm: body.office_area_sqm,
                    employees: body.employees.map(|count| count.to_string()),
                    last_year_turnover_wan: body.last_year_turnover_wan,
                    above_scale: body.above_scale,
                    remark: body.remark,
                }
            }
        }
    };
}

enterprise_body! {
    /// An enterprise that comes onto the roster.
    AddEnterprise as Enterprise,
    /// The application to settle that it came of.
    settlement_application_id: Option<Uuid>
}

enterprise_body! {
    /// All that is known of an enterprise now.
    EditEnterprise as EnterpriseEdit,
    /// Why; needed when the credit code changes, 5 to 500 characters.
    reason: Option<String>
}

/// Takes an enterprise off the roster.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteEnterprise {
    /// Its name or its credit code.
    pub confirm: String,
    /// Why, if somebody wants to say; 5 to 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}
