"""The two layouts of django-user-streams: the same tables, keys and order."""

from django.conf import settings
from django.db import models


class Item(models.Model):
    """A row for each delivery."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    content = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]


class SharedItem(models.Model):
    """A row for each item, and one of Django's own for each delivery."""

    users = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    content = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
