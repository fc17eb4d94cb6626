//! Several tenants of one application.

use super::*;

#[tokio::test]
async fn a_token_opens_the_tenant_that_issued_it_and_no_other() {
    let home = Tenant::of(3).await;
    let options = MicrosoftOptions {
        tenant: "a0000000-0000-4000-8000-000000000002".to_owned(),
        tenant_domain: "fabrikam.example".to_owned(),
        tenant_name: "Fabrikam".to_owned(),
        more_domains: vec!["fabrikam.de".to_owned()],
        roles: vec!["DeviceManagementManagedDevices.Read.All".to_owned()],
        ..MicrosoftOptions::default()
    };
    let abroad = home.microsoft.add_tenant(Fleet::of(vec![made("d1", "PC-1")]), options);
    let answer: Value = home.ask_for_token("Fabrikam.example", &home.form()).await.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();

    let page: Value = home.get_with(&token, DEVICES).await.json().await.unwrap();
    assert_eq!(ids(&page), ["d1"]);
    assert_eq!(home.json(DEVICES).await["value"].as_array().unwrap().len(), 3);
    assert_eq!(home.get_with(&token, "/v1.0/organization").await.status(), 403);

    abroad.options().roles.push("Organization.Read.All".to_owned());
    let answer: Value = home.ask_for_token("fabrikam.example", &home.form()).await.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let found: Value = home.get_with(token, "/v1.0/organization").await.json().await.unwrap();
    let row = &found["value"][0];
    assert_eq!(row["displayName"], "Fabrikam");
    assert_eq!(row["verifiedDomains"][1]["name"], "fabrikam.de");
    assert_eq!(home.json("/v1.0/organization").await["value"][0]["displayName"], "Contoso");
}
