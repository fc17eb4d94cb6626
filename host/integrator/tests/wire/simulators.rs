//! Both wires against the simulators, which refuse what the services refuse.

use super::server::maker;
use halo_integrator::graph::{
    AppCredential, Decoder, Existence, GraphClient, ReadAs, UserChange, UserRoundError,
};
use halo_integrator::halo::{AnswerShape, AssetOrder, AssetQuery, HaloClient, UserQuery, WriteProblem};
use halo_integrator::http::{ClientMaker, FailureClass, HttpErrorKind};
use integrator_core::model::{
    AssetId, AssetWrite, ClientId, DeviceId, Member, Projection, TypeId, TypeWrite, UserId,
};
use integrator_core::ports::SystemClock;
use integrator_core::settings::{
    Authentication, Cloud, Credential, HaloSettings, HttpSettings, Microsoft, SecretSource,
};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{Halo, HaloOptions, RecordCountPastEnd, ReplyForm, UserSeed};
use integrator_simulators::microsoft::{Microsoft as Tenant, MicrosoftOptions};
use integrator_simulators::server::{ServeOptions, TlsFiles};
use secrecy::SecretString;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

async fn tenant(devices: u32, page_size: usize) -> (Tenant, GraphClient) {
    let options = MicrosoftOptions { page_size, ..MicrosoftOptions::default() };
    let serve = ServeOptions { prefix: "/graph".to_owned(), ..ServeOptions::default() };
    let tenant = Tenant::start(Fleet::generate(devices, 1), options, serve).await.unwrap();
    let client = GraphClient::new(&maker(), &microsoft(&tenant), &secret(), ReadAs::Application).unwrap();
    (tenant, client)
}

fn secret() -> AppCredential {
    AppCredential::Secret { secret: SecretString::from(MicrosoftOptions::default().secret), expires: None }
}

fn microsoft(tenant: &Tenant) -> Microsoft {
    let options = MicrosoftOptions::default();
    Microsoft {
        cloud: Cloud { authority: tenant.address(), graph: tenant.address() },
        tenant: options.tenant.as_str().into(),
        client_id: options.client_id,
        authentication: Authentication::ClientCredentials,
        credential: Credential::Secret { secret: SecretSource::Environment("X".into()), expires: None },
        requests_per_20_seconds: 100_000,
    }
}

#[tokio::test]
async fn every_generated_device_is_decoded_and_found_again() {
    let (tenant, client) = tenant(2_500, 1000).await;
    let decoder = Decoder::new(&Projection::new(["model", "complianceState", "freeStorageSpaceInBytes"]));
    let mut ids = HashSet::new();
    let mut sweep = client.sweep().ahead();
    while let Some(page) = sweep.next_page().await.unwrap() {
        for row in page.rows() {
            ids.insert(decoder.decode(row).unwrap().id);
        }
    }
    assert_eq!(ids.len(), 2_500);
    assert_eq!(client.requests(), 4);
    let gone = ids.iter().next().unwrap().clone();
    tenant.fleet().remove(gone.as_str());
    let other = ids.iter().find(|id| **id != gone).unwrap().clone();
    let found =
        client.existence(&[gone, other, DeviceId::from("00000000-0000-4000-8000-000000000001")]).await;
    let found: Vec<_> = found.into_iter().map(|(_, result)| result.unwrap()).collect();
    assert_eq!(found, [Existence::Gone, Existence::Present, Existence::Gone]);
    assert!(client.missing_permissions(&["User.Read.All"]).await.unwrap().is_empty());
    assert_eq!(client.missing_permissions(&["Device.Read.All"]).await.unwrap(), ["Device.Read.All"]);
    assert_eq!(client.organization().await.unwrap().unwrap().name, "Contoso");
    let mut round = client.user_round(None);
    let mut users = 0;
    while let Some(changes) = round.next_page().await.unwrap() {
        users += changes.len();
    }
    assert_eq!(users, tenant.fleet().users().count());
    let link = round.link().unwrap().to_owned();
    let first = tenant.fleet().users().next().unwrap();
    tenant.fleet().remove_user(&first.id);
    let mut round = client.user_round(Some(&link));
    let mut changes = Vec::new();
    while let Some(page) = round.next_page().await.unwrap() {
        changes.extend(page);
    }
    assert_eq!(changes, [UserChange::Removed(first.id)]);
    tenant.expire_user_links();
    let expired = client.user_round(Some(&link)).next_page().await;
    assert!(matches!(expired, Err(UserRoundError::Expired)), "{expired:?}");
}

#[tokio::test]
async fn faults_in_passing_do_not_disturb_a_sweep() {
    let check = async |effect: Effect| {
        let (tenant, client) = tenant(50, 10).await;
        tenant.faults().add(Fault::new("managedDevices", effect.clone()).skip(2).times(3));
        let mut sweep = client.sweep();
        let mut rows = 0;
        while let Some(page) = sweep.next_page().await.unwrap() {
            rows += page.len();
        }
        assert_eq!((rows, tenant.faults().struck()), (50, 3), "{effect:?}");
    };
    for status in [429, 500, 502, 503, 504, 408] {
        check(Effect::status(status)).await;
    }
    check(Effect::throttled("0.01")).await;
    check(Effect::Reset).await;
    check(Effect::AnswerLost).await;
    check(Effect::Truncate { keep: 500 }).await;
    check(Effect::CutJson { keep: 500 }).await;
    check(Effect::Html).await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_in_the_middle_of_a_sweep() {
    let (tenant, client) = tenant(50, 10).await;
    let mut sweep = client.sweep();
    sweep.next_page().await.unwrap();
    tenant.expire_tokens();
    while sweep.next_page().await.unwrap().is_some() {}
    assert_eq!(client.requests(), 1 + 5 + 2);
}

#[tokio::test]
async fn a_walk_that_repeats_itself_is_no_complete_walk() {
    let (tenant, client) = tenant(50, 10).await;
    tenant.faults().add(Fault::new("managedDevices", Effect::RepeatNextLink).skip(2).forever());
    let mut sweep = client.sweep();
    let error = loop {
        match sweep.next_page().await {
            Ok(page) => assert!(page.is_some(), "the walk says that it is complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.class(), FailureClass::Side);
}

#[tokio::test]
async fn an_untrusted_certificate_is_told_and_the_file_of_its_authority_helps() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let serve =
        ServeOptions { tls: Some(TlsFiles { ca_certificate: ca.clone() }), ..ServeOptions::default() };
    let tenant = Tenant::start(Fleet::generate(5, 1), MicrosoftOptions::default(), serve).await.unwrap();
    let with = |ca_file: Option<PathBuf>| {
        let (timeout, longest_wait) = (Duration::from_secs(5), Duration::ZERO);
        let settings = HttpSettings { timeout, longest_wait, ca_file, proxy: None };
        ClientMaker::new(&settings, Arc::new(SystemClock))
    };
    let client =
        GraphClient::new(&with(None).unwrap(), &microsoft(&tenant), &secret(), ReadAs::Application).unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert!(matches!(error.kind(), HttpErrorKind::Tls { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("http.ca_file"));
    assert_eq!(client.requests(), 1, "another try meets the same certificate");
    let client =
        GraphClient::new(&with(Some(ca)).unwrap(), &microsoft(&tenant), &secret(), ReadAs::Application)
            .unwrap();
    assert_eq!(client.sweep().next_page().await.unwrap().unwrap().len(), 5);
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let bad = folder.path().join("bad.pem");
        std::fs::write(&bad, text).unwrap();
        let error = with(Some(bad)).unwrap_err();
        assert_eq!(error.class(), FailureClass::Settings);
        assert!(error.to_string().contains("bad.pem"), "{error}");
    }
    assert!(with(Some(folder.path().join("absent.pem"))).is_err());
}

async fn halo(options: HaloOptions) -> (Halo, HaloClient) {
    let serve = ServeOptions { prefix: "/desk".to_owned(), ..ServeOptions::default() };
    let halo = Halo::start(options, serve).await.unwrap();
    let settings = HaloSettings {
        url: halo.address(),
        client_id: "halo-client".into(),
        secret: SecretSource::Environment("X".into()),
        tenant: None,
        version: None,
        requests_per_5_minutes: 100_000,
        assets_per_request: 50,
    };
    let client =
        HaloClient::connect(&maker(), &settings, SecretString::from("halo-secret"), None).await.unwrap();
    (halo, client)
}

async fn laptop(client: &HaloClient) -> TypeId {
    client.asset_types().await.unwrap().into_iter().find(|kind| kind.name == "Laptop").unwrap().id
}

fn create(type_id: TypeId, client: ClientId, number: usize) -> AssetWrite {
    AssetWrite {
        type_id: Some(type_id),
        client: Some(client),
        intune_id: Some(format!("device-{number}")),
        members: vec![(Member::System("inventory_number".into()), Some(format!("INV-{number}")))],
        ..AssetWrite::default()
    }
}

#[tokio::test]
async fn what_halo_offers_is_read() {
    let user = UserSeed {
        name: "Ann".to_owned(),
        client: "Contoso Ltd".to_owned(),
        site: "Warehouse".to_owned(),
        azure_id: "oid".to_owned(),
        ..UserSeed::default()
    };
    let (_halo, client) = halo(HaloOptions { users: vec![user], ..HaloOptions::default() }).await;
    let type_id = laptop(&client).await;
    let detail = client.asset_type_detail(type_id).await.unwrap().unwrap();
    assert!(!detail.fields.is_empty());
    assert_eq!(detail.statuses, None);
    assert!(client.asset_type_detail(TypeId(99_999)).await.unwrap().is_none());
    assert!(client.asset_groups().await.unwrap().iter().any(|group| group.name == "Devices"));
    assert!(client.asset_statuses().await.unwrap().iter().any(|status| status.name == "Active"));
    assert!(client.asset_fields().await.unwrap().iter().any(|field| field.name == "Serial Number"));
    let found = client.clients("Contoso").await.unwrap();
    let contoso = found.iter().find(|found| found.name == "Contoso Ltd").unwrap();
    assert_eq!(client.client(contoso.id).await.unwrap().as_ref(), Some(contoso));
    let sites = client.sites(Some(contoso.id), "").await.unwrap();
    let warehouse = sites.iter().find(|site| site.name == "Warehouse").unwrap();
    assert_eq!(client.site(warehouse.id).await.unwrap().as_ref(), Some(warehouse));
    client.agent_me().await.unwrap();
    let mut walk = client.users(UserQuery::default());
    let mut users = Vec::new();
    while let Some(page) = walk.next_page().await.unwrap() {
        users.extend(page.users);
    }
    assert_eq!(users.len() as u64, client.user_count().await.unwrap());
    let ann = users.iter().find(|user| user.name == "Ann").unwrap();
    assert_eq!((ann.azure_id.as_deref(), ann.site), (Some("oid"), Some(warehouse.id)));
}

#[tokio::test]
async fn assets_are_written_and_read_back_in_every_form_of_answer() {
    for (reply, shape, shown) in [
        (ReplyForm::List, AnswerShape::List, 30),
        (ReplyForm::FirstObject, AnswerShape::One, 1),
        (ReplyForm::LastObject, AnswerShape::One, 1),
    ] {
        let past = RecordCountPastEnd::Zero;
        let options =
            HaloOptions { reply, page_cap: 50, record_count_past_end: past, ..HaloOptions::default() };
        let (_halo, client) = halo(options).await;
        let type_id = laptop(&client).await;
        let contoso = client.clients("Contoso").await.unwrap()[0].id;
        for batch in 0..4 {
            let writes: Vec<_> = (0..30).map(|row| create(type_id, contoso, batch * 30 + row)).collect();
            let answer = client.write_assets(&writes).await.unwrap();
            assert_eq!((answer.shape, answer.rows.len()), (shape, shown));
        }
        let field = client.asset_fields().await.unwrap()[0].id;
        let mut assets = Vec::new();
        let mut walk = client.assets(AssetQuery::of_type(type_id));
        while let Some(page) = walk.next_page().await.unwrap() {
            assets.extend(page.rows.into_iter().map(Result::unwrap));
        }
        assert_eq!((assets.len() as u64, client.asset_count().await.unwrap()), (120, 120));
        let newest = AssetQuery { order: AssetOrder::IdDescending, ..AssetQuery::all() };
        let page = client.assets_page(&newest).await.unwrap();
        assert_eq!(page.rows[0].as_ref().unwrap().id, assets.last().unwrap().id);
        let asset = &assets[7];
        assert_eq!(asset.intune_id.as_deref(), Some("device-7"));
        assert_eq!(asset.shown(&Member::System("inventory_number".into())), Some(Some("INV-7")));
        let update = AssetWrite {
            id: Some(asset.id),
            members: vec![
                (Member::Field(field), Some("value".into())),
                (Member::System("notes".into()), None),
            ],
            ..AssetWrite::default()
        };
        client.write_assets(&[update]).await.unwrap();
        let read = client.asset(asset.id).await.unwrap().unwrap();
        assert_eq!(read.shown(&Member::Field(field)), Some(Some("value")));
        assert_eq!(read.users.as_deref(), Some(&[] as &[UserId]));
        assert!(client.asset(AssetId(1)).await.unwrap().is_none());
        let since = AssetQuery {
            modified_since: read.modified,
            order: AssetOrder::ModifiedDescending,
            ..AssetQuery::all()
        };
        let changed = client.assets_page(&since).await.unwrap();
        assert_eq!(changed.rows[0].as_ref().unwrap().id, asset.id);
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_unclear_and_sent_once() {
    let (halo, client) = halo(HaloOptions::default()).await;
    let type_id = laptop(&client).await;
    let contoso = client.clients("Contoso").await.unwrap()[0].id;
    for effect in
        [Effect::AnswerLost, Effect::Truncate { keep: 10 }, Effect::CutJson { keep: 10 }, Effect::status(503)]
    {
        let before = client.asset_count().await.unwrap();
        halo.faults().add(Fault::new("/Asset", effect.clone()).method("POST"));
        let error = client.write_assets(&[create(type_id, contoso, 1)]).await.unwrap_err();
        assert!(matches!(error.problem, WriteProblem::Unclear { .. }), "{effect:?}: {error:?}");
        assert!(client.asset_count().await.unwrap() <= before + 1, "{effect:?}");
    }
    let before = client.asset_count().await.unwrap();
    halo.faults().add(Fault::new("/Asset", Effect::throttled("0")).method("POST").times(3));
    client.write_assets(&[create(type_id, contoso, 2)]).await.unwrap();
    assert_eq!(client.asset_count().await.unwrap(), before + 1);
    halo.faults().add(Fault::new("/Asset", Effect::RefuseRow { index: 1 }).method("POST"));
    let writes = [create(type_id, contoso, 3), create(type_id, contoso, 4)];
    let error = client.write_assets(&writes).await.unwrap_err();
    assert!(matches!(error.problem, WriteProblem::Refused { status: 400, row: Some(1), .. }), "{error:?}");
    let error = client.write_assets(&[AssetWrite::default()]).await.unwrap_err();
    assert!(matches!(error.problem, WriteProblem::Refused { .. }), "an asset without a type: {error:?}");
    halo.revoke_tokens();
    client.write_assets(&[create(type_id, contoso, 5)]).await.unwrap();
}

#[tokio::test]
async fn a_type_is_copied_with_its_fields() {
    let (_halo, client) = halo(HaloOptions::default()).await;
    let like = laptop(&client).await;
    let write = TypeWrite { name: "Convertible".into(), group: None, like: Some(like), fields: vec![] };
    let made = client.create_asset_type(&write).await.unwrap();
    assert_eq!(made.name, "Convertible");
    let detail = client.asset_type_detail(made.id).await.unwrap();
    assert_eq!(detail, client.asset_type_detail(like).await.unwrap());
}
