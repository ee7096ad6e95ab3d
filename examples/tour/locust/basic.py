"""Ten visitors who look at the front page again and again."""

from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    def front_page(self):
        self.client.get("/")
