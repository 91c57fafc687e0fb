"""The same for asyncio: the loop goes on, and tasks that are cancelled cancel their requests."""

from __future__ import annotations

import asyncio
import threading
import unittest
import warnings
from typing import Any

import promfetch
from promfetch.aio import AsyncClient

from .support import LONG, Instance, shop


class Aio(unittest.IsolatedAsyncioTestCase):
    def instance(self, *args: Any, **kwargs: Any) -> Instance:
        made = Instance(*args, **kwargs)
        self.addCleanup(made.close)
        return made

    async def client(self, *instances: Instance, **kwargs: Any) -> AsyncClient:
        client = AsyncClient({}, **kwargs)
        self.addAsyncCleanup(client.close)
        await client.set_targets(shop(*instances))
        await client.wait_ready(LONG)
        return client

    async def hanging(self, **kwargs: Any) -> tuple[Instance, AsyncClient]:
        instance = self.instance()
        instance.go_on.clear()
        return instance, await self.client(instance, **kwargs)

    async def arrived(self, instance: Instance) -> None:
        while not instance.arrived.is_set():
            await asyncio.sleep(0.01)

    async def test_every_call(self) -> None:
        instance = self.instance()
        client = await self.client(instance)
        page = await client.fetch("shop", only_app_metrics=True)
        self.assertEqual(page.up, 1)
        async with client.stream("shop", only_app_metrics=True) as stream:
            self.assertEqual(b"".join([piece async for piece in stream]), page.data)
            self.assertEqual((stream.up, stream.failures, stream.content_type), (1, [], page.content_type))
        self.assertEqual([target.address for target in await client.discover("shop")], [instance.address])
        self.assertEqual([known["status"] for known in await client.instances("shop")], ["up"])
        self.assertIs((await client.snapshot())["ready"], True)
        with client.call("aio", "test"):
            self.assertIn('promfetch_calls_in_flight{api="aio",call="test"} 1', await client.metrics())

    async def test_errors_are_the_same(self) -> None:
        client = await self.client(self.instance(status=500))
        with self.assertRaises(promfetch.Status5xx):
            await client.fetch("shop")
        with self.assertRaises(promfetch.NotFound):
            await client.discover("acme/prod/nobody")
        with self.assertRaises(promfetch.InvalidArgument):
            await client.fetch("a\0b")
        with self.assertRaises(TypeError):
            await client.fetch("shop", path="/x")  # type: ignore[call-arg]
        with self.assertRaises(promfetch.Status5xx):
            async with client.stream("shop"):
                self.fail("there is nothing to stream")

    async def test_the_loop_goes_on_while_instances_hang(self) -> None:
        instance, client = await self.hanging()
        tasks = [
            asyncio.create_task(client.fetch("shop", timeout=LONG, metric_path=f"/{number}")) for number in range(20)
        ]
        # The loop itself lets the instances answer: were it blocked, this would never end.
        await self.arrived(instance)
        for _ in range(100):
            await asyncio.sleep(0)
        self.assertFalse(any(task.done() for task in tasks))
        instance.go_on.set()
        self.assertEqual([page.up for page in await asyncio.gather(*tasks)], [1] * 20)

    async def test_a_cancelled_task_cancels_its_request(self) -> None:
        instance, client = await self.hanging(threads=1)
        task = asyncio.create_task(client.fetch("shop", timeout=LONG))
        await self.arrived(instance)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        # The only thread is free again although the instance still hangs.
        self.assertEqual(len(await client.discover("shop")), 1)

    async def test_a_time_out_cancels_too(self) -> None:
        _, client = await self.hanging(threads=1)
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(client.fetch("shop", timeout=LONG), 0.2)
        self.assertEqual(len(await client.discover("shop")), 1)

    async def test_cancelling_before_it_has_begun(self) -> None:
        instance, client = await self.hanging(threads=1)
        first = asyncio.create_task(client.fetch("shop", timeout=LONG))
        await self.arrived(instance)
        second = asyncio.create_task(client.discover("shop"))
        await asyncio.sleep(0)
        second.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await second
        instance.go_on.set()
        self.assertEqual((await first).up, 1)

    async def test_ones_own_token(self) -> None:
        instance, client = await self.hanging()
        token = promfetch.CancelToken()
        task = asyncio.create_task(client.fetch("shop", timeout=LONG, cancel=token))
        await self.arrived(instance)
        token.cancel()
        with self.assertRaises(promfetch.Cancelled):
            await task

    async def test_cancelling_one_task_leaves_others_with_the_same_token(self) -> None:
        instance, client = await self.hanging()
        token = promfetch.CancelToken()
        tasks = [
            asyncio.create_task(client.fetch("shop", timeout=LONG, cancel=token, metric_path=f"/{number}"))
            for number in range(2)
        ]
        await self.arrived(instance)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        instance.go_on.set()
        self.assertEqual((await tasks[1]).up, 1)
        self.assertFalse(token.cancelled)

    async def test_a_stream_that_comes_too_late_is_closed(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            instance = self.instance()
            client = await self.client(instance)
            for _ in range(20):
                task = asyncio.create_task(client.stream("shop").open())
                await asyncio.sleep(0)
                task.cancel()
                try:
                    (await task).close()
                except asyncio.CancelledError:
                    pass

    async def test_cancelling_a_wait(self) -> None:
        away = {"gorouters[0].host": "127.0.0.1", "gorouters[0].port": "1", "start_response_delay_interval": "1h"}
        async with AsyncClient(away, threads=1) as client:
            with self.assertRaises(promfetch.NotReady):
                await client.wait_ready(0.1)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.wait_ready(), 0.2)
            await client.snapshot()

    async def test_a_client_that_is_there_already_stays(self) -> None:
        with promfetch.Client({}) as mine:
            mine.set_targets(shop(self.instance()))
            async with AsyncClient(client=mine) as client:
                self.assertEqual((await client.fetch("shop")).up, 1)
            self.assertEqual(mine.fetch("shop").up, 1)

    async def test_use_after_close(self) -> None:
        client = await self.client(self.instance())
        await client.close()
        await client.close()
        with self.assertRaises(promfetch.Closed):
            await client.fetch("shop")
        with self.assertRaises(promfetch.Closed):
            client.stream("shop").up  # noqa: B018

    async def test_closing_ends_calls_under_way(self) -> None:
        instance, client = await self.hanging()
        task = asyncio.create_task(client.fetch("shop", timeout=LONG))
        await self.arrived(instance)
        await client.close()
        with self.assertRaises(promfetch.Cancelled):
            await task

    async def test_many_loops_in_many_threads(self) -> None:
        instance = self.instance()
        with promfetch.Client({}) as mine:
            mine.set_targets(shop(instance))
            ups: list[int] = []

            async def main() -> None:
                async with AsyncClient(client=mine) as client:
                    ups.append((await client.fetch("shop")).up)

            threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.get_running_loop().run_in_executor(None, thread.join)
            self.assertEqual(ups, [1] * 8)
