import asyncio

from zcadapt.bodies.sections import Section


async def events():
    for event in ["one", b"a", b"b", None, "two", b"c", None]:
        yield event


def test_a_section_ends_where_it_is_over():
    async def read():
        found = events()
        await anext(found)
        first = Section(found)
        one = [piece async for piece in first]
        again = [piece async for piece in first]
        return one, again, await anext(found)

    assert asyncio.run(read()) == ([b"a", b"b"], [], "two")


def test_what_is_skipped_is_gone():
    async def read():
        found = events()
        await anext(found)
        section = Section(found)
        await section.skip()
        return [piece async for piece in section], await anext(found)

    assert asyncio.run(read()) == ([], "two")


def test_it_ends_with_all_the_rest():
    async def read():
        found = events()
        async for _ in found:
            pass
        return [piece async for piece in Section(found)]

    assert asyncio.run(read()) == []
