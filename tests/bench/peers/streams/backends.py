"""What django-user-streams does with its tables."""

from datetime import datetime, timedelta, timezone

from django.utils.timezone import now

from .models import Item, SharedItem

MODELS = [Item, SharedItem]
BATCH = 10_000


def dates(items):
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    return [start + timedelta(milliseconds=number) for number in range(items)]


class SingleTable:
    def add_stream_item(self, users, content):
        created_at = now()
        for user in users:
            Item.objects.create(user=user, content=content, created_at=created_at)

    def get_stream_items(self, user):
        return Item.objects.filter(user=user)

    def fill(self, users, reader, items, content):
        """Not the original's, which would take long: the reader has all items, and so have others."""
        for user in users:
            rows = [Item(user=user, content=content, created_at=at) for at in dates(items)]
            Item.objects.bulk_create(rows, batch_size=BATCH)


class ManyToMany:
    def add_stream_item(self, users, content):
        item = SharedItem.objects.create(content=content, created_at=now())
        item.users.add(*users)

    def get_stream_items(self, user):
        return SharedItem.objects.filter(users=user)

    def fill(self, users, reader, items, content):
        rows = [SharedItem(content=content, created_at=at) for at in dates(items)]
        SharedItem.objects.bulk_create(rows, batch_size=BATCH)
        ids, through = SharedItem.objects.values_list("id", flat=True), SharedItem.users.through
        for user in users:
            rows = [through(shareditem_id=item, user_id=user.id) for item in ids]
            through.objects.bulk_create(rows, batch_size=BATCH)
