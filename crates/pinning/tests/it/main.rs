//! The client against a service that the test makes.

#![allow(clippy::unwrap_used)]

use basalt_block::Cid;
use basalt_pinning::{Client, Draft, Endpoint, Error, Filter, Status};
use basalt_testkit::{PinService, SERVICE_KEY};

const CID: &str = "bafkqaaa";

fn client(service: &PinService, path: &str, key: &str) -> Client {
    let url = format!("http://{}{path}", service.address());
    Client::new(Endpoint::parse(&url).unwrap(), key)
}

fn draft(name: &str) -> Draft {
    Draft::new(&CID.parse().unwrap()).name(name)
}

async fn names(client: &Client, filter: Filter) -> Vec<String> {
    let (mut list, mut names) = (client.list(filter), Vec::new());
    while let Some(pin) = list.next().await.unwrap() {
        names.push(pin.pin.name);
    }
    names
}

#[tokio::test]
async fn the_life_of_a_pin() {
    let service = PinService::start().await.unwrap();
    let client = client(&service, "/v1", SERVICE_KEY);
    let asked = client.add(&draft("it comes later")).await.unwrap();
    assert_eq!(asked.status, Status::Pinning);
    assert_eq!(asked.cid(), Some(CID.parse::<Cid>().unwrap()));
    assert_eq!(asked.delegates.len(), 1);
    // The request's ID has a space and a slash.
    let first = client.status(&asked.request_id).await.unwrap();
    let second = client.status(&asked.request_id).await.unwrap();
    assert_eq!(
        (first.status, second.status),
        (Status::Pinning, Status::Pinned)
    );
    let other = client
        .replace(&asked.request_id, &draft("other"))
        .await
        .unwrap();
    assert_ne!(other.request_id, asked.request_id);
    assert_eq!(names(&client, Filter::default()).await, ["other"]);
    client.remove(&other.request_id).await.unwrap();
    assert!(service.pins().is_empty());
    let gone = client.status(&other.request_id).await.unwrap_err();
    assert_eq!(
        gone.to_string(),
        "reason: \"NOT_FOUND\", details: \"\": 404 Not Found"
    );
}

#[tokio::test]
async fn lists_go_over_pages_and_are_filtered() {
    let service = PinService::start().await.unwrap();
    let client = client(&service, "", SERVICE_KEY);
    for number in 0..2500 {
        let status = if number % 5 == 0 { "queued" } else { "" };
        client
            .add(&draft(&format!("{number}{status}")))
            .await
            .unwrap();
    }
    let all = names(&client, Filter::default().statuses(Status::ALL)).await;
    assert_eq!(all.len(), 2500);
    assert_eq!((&*all[0], &*all[2499]), ("2499", "0queued"));
    assert_eq!(names(&client, Filter::default()).await.len(), 2000);
    let queued = Filter::default().statuses([Status::Queued]);
    assert_eq!(client.count(&queued).await.unwrap(), 500);
    assert_eq!(names(&client, Filter::default().name("17")).await, ["17"]);
    let other = Filter::default().cids(&["bafkqaalb".parse().unwrap()]);
    assert!(names(&client, other).await.is_empty());
}

#[tokio::test]
async fn services_that_are_none() {
    let service = PinService::start().await.unwrap();
    for (path, why) in [
        (
            "/html",
            "remote pinning service returned http error 404: undefined response type",
        ),
        (
            "/empty",
            "reason: \"\", details: \"\": 500 Internal Server Error",
        ),
        (
            "/strange",
            "remote pinning service returned http error 200: done is not a valid Status",
        ),
        (
            "/moved",
            "remote pinning service returned http error 301: 301 Moved Permanently",
        ),
        (
            "/short",
            "invalid pinning service response: PinResults.count=7 but no PinResults.results",
        ),
        (
            "/plain",
            "remote pinning service returned http error 200: undefined response type",
        ),
        (
            "/circle",
            "invalid pinning service response: PinResults.results before 2026-01-01T00:00:00Z are not older than that",
        ),
    ] {
        let mut list = client(&service, path, SERVICE_KEY).list(Filter::default());
        let error = loop {
            match list.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{path} has an end"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.to_string(), why, "{path}");
    }
    let stranger = client(&service, "", "wrong")
        .list(Filter::default())
        .next()
        .await;
    assert_eq!(
        stranger.unwrap_err().to_string(),
        "reason: \"INVALID_TOKEN\", details: \"who are \\\"you\\\"?\": 401 Unauthorized"
    );
    let address = service.address();
    let client = client(&service, "/v1", SERVICE_KEY);
    drop(service);
    // The port is closed when the server's task has ended.
    let error = loop {
        match client.add(&draft("")).await {
            Err(error @ Error::NoAnswer { .. }) if error.to_string().contains("refused") => {
                break error;
            }
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(
        error.to_string(),
        format!(
            "empty response from remote pinning service: Post \"http://{address}/v1/pins\": dial tcp {address}: connect: connection refused"
        )
    );
}
