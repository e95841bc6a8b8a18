"""Personal data at the HTTP edge: numbers in full, and erasures by two officers."""

from tests.served import Service


def test_api_shows_the_number_and_lists_never_do(service: Service) -> None:
    path = f"/members/{service.world.members['党员甲']}"
    phone = service.world.phones["党员甲"]
    secretary = service.caller("书记一")

    answer = secretary.post(f"{path}/number-disclosures", {"purpose": "通知改期"})

    assert (answer.status_code, answer.json) == (201, {"full_number": phone})
    assert phone not in secretary.get(path).text
    branch = service.world.organizations["一支部"]
    assert phone not in secretary.get(f"/orgs/{branch}/members").text
    refused = secretary.post(f"{path}/number-disclosures", {"purpose": ""})
    assert refused.status_code == 422
