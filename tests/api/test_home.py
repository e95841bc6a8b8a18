"""The first screen."""

from tests.served import Service


def test_smoke(service: Service) -> None:
    for name in ("党员甲", "书记一", "街道干事", "区管理员", "审计员", "系统管理员", "组长"):
        answer = service.caller(name).get("/me/home")
        print(name, len(answer.data), answer.text)
        assert answer.status_code == 200
