def add_api(demo, service):
    pass
