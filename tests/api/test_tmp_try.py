from tests.served import served
def test_x(databases):
    for kind in ("sqlite","postgresql"):
        import time
        t=time.time()
        with served(databases, kind) as s:
            print(kind, time.time()-t)
            c=s.caller("全能")
            for m,p in s.document.operations:
                if m=="GET" and "{" not in p:
                    print(p, c.get(p.removeprefix("/api/v1")).status_code)
            print(c.get("/nope").status_code)
            print(time.time()-t)
