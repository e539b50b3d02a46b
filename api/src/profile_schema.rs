//! The `profile` payload as the OpenAPI document shows it. The reading and checking is [`domain::profile::ProfileInput`];
//! a test keeps the two fields for fields alike.

use serde::{Deserialize, Serialize};

/// The profile of a park or base (园区/基地). A draft may leave out anything; submitting asks for `name`, `operatorName`,
/// `operatorCreditCode`, `level`, `district`, `address`, `positioning`, `contactName`, `contactPhone`, `introduction`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Profile)]
pub struct ProfileSchema {
    /// 名称
    pub name: Option<String>,
    /// 运营单位
    pub operator_name: Option<String>,
    /// Credit code of the operator.
    pub operator_credit_code: Option<String>,
    /// Code of the dictionary `levels`.
    pub level: Option<String>,
    /// Code of the dictionary `districts`.
    pub district: Option<String>,
    /// 详细地址
    pub address: Option<String>,
    /// Degrees east, a decimal string.
    #[schema(format = "decimal")]
    pub longitude: Option<String>,
    /// Degrees north, a decimal string.
    #[schema(format = "decimal")]
    pub latitude: Option<String>,
    /// 总面积, m², a decimal string.
    #[schema(format = "decimal")]
    pub total_area_sqm: Option<String>,
    /// 可出租面积, m², a decimal string.
    #[schema(format = "decimal")]
    pub rentable_area_sqm: Option<String>,
    /// 已使用面积, m², a decimal string.
    #[schema(format = "decimal")]
    pub used_area_sqm: Option<String>,
    /// 投用日期, `YYYY-MM-DD`.
    #[schema(format = "date")]
    pub opened_on: Option<String>,
    /// 产业定位
    pub positioning: Option<String>,
    /// Codes of the dictionary `services`.
    pub services: Option<Vec<String>>,
    /// Codes of the dictionary `facilities`.
    pub facilities: Option<Vec<String>>,
    /// 租金与政策, plain text.
    pub policy: Option<String>,
    /// 招商联系人. Personal data.
    pub contact_name: Option<String>,
    /// 联系电话: mobile, fixed or service line. Personal data.
    pub contact_phone: Option<String>,
    /// Whether the contact may be shown to the public.
    pub contact_public: Option<bool>,
    /// 介绍, plain text.
    pub introduction: Option<String>,
    /// File ids (UUID) of pictures.
    pub images: Option<Vec<String>>,
    /// File ids (UUID) of certificates.
    pub certificates: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use domain::profile::ProfileInput;
    use serde_json::Value;

    use super::ProfileSchema;

    #[test]
    fn the_published_profile_has_the_fields_that_are_read() {
        let published = serde_json::to_value(ProfileSchema::default()).unwrap();
        for (name, _) in published.as_object().unwrap() {
            let value = if matches!(name.as_str(), "services" | "facilities" | "images" | "certificates") {
                serde_json::json!([])
            } else if name == "contactPublic" {
                Value::Bool(true)
            } else {
                Value::String(String::new())
            };
            let one = Value::Object([(name.clone(), value)].into_iter().collect());
            serde_json::from_value::<ProfileInput>(one).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(published.as_object().unwrap().len(), PUBLISHED_FIELDS);
    }

    /// contract.md, "Payloads", `profile`.
    const PUBLISHED_FIELDS: usize = 22;
}
