"""Products of a run in an object store, by Snakemake's storage plug-in for S3.

What a job makes goes to `<url>/results/<run>/...`, what it reads comes from there, and the files of
a finished run (all but its Zarr stores) are copied into `results/<run>`, as those of other runs.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from quakeline.core import extras
from quakeline.core.errors import ConfigError
from quakeline.core.section import Section
from quakeline.io.products import checksums
from quakeline.io.products.atomic import replacing

#: What the codes of S3 mean.
_REFUSALS = {"404": "does not exist", "403": "access denied", "AccessDenied": "access denied"}
#: Name of the object that keeps a bucket from being empty.
_MARK = ".quakeline"


class ObjectStore(Section):
    """A bucket that takes the products of runs; keys come from the usual variables (AWS_...)."""

    url: str = Field(description="bucket and folder: s3://BUCKET or s3://BUCKET/FOLDER")
    endpoint_url: str | None = Field(
        None, description="address of a server that speaks S3; null: that of AWS"
    )
    region: str | None = Field(None, description="region; null: that of AWS's variables and files")

    @field_validator("url")
    @classmethod
    def _check_url(cls, given: str) -> str:
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{2,62}(/[\w.=+-]+)*", given):
            raise ValueError("allowed: s3://BUCKET or s3://BUCKET/FOLDER")
        return given

    @field_validator("endpoint_url")
    @classmethod
    def _check_endpoint(cls, given: str | None) -> str | None:
        if given and not re.match(r"https?://[^\s/]+", given):
            raise ValueError("allowed: http://HOST:PORT or https://HOST")
        return given

    def address(self, path: str) -> str:
        """Where a file of the run folder is kept: `s3://BUCKET/FOLDER/results/RUN/...`."""
        return f"{self.url}/{path}"

    def connection(self) -> dict[str, Any]:
        """Settings for Snakemake's plug-in."""
        from botocore.session import Session

        region = self.region or Session().get_config_variable("region")
        given = {"endpoint_url": self.endpoint_url, "region": region}
        return {name: value for name, value in given.items() if value}

    def require(self) -> None:
        """Look whether the bucket answers and can be written, before a run of hours begins.

        A small object stays in it: the plug-in removes a bucket with the last object in it.

        Raises QuakelineError where the plug-in is not installed, ConfigError where the bucket
        does not answer, does not exist or is not ours.
        """
        extras.require("cloud", "results in an object store")
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        from botocore.session import Session

        bucket, _, folder = self.url.removeprefix("s3://").partition("/")
        mark = "/".join(filter(None, [folder, _MARK]))
        patience = Config(connect_timeout=10, read_timeout=20, retries={"total_max_attempts": 2})
        names = {"endpoint_url": self.endpoint_url, "region_name": self.region or None}
        try:
            client = Session().create_client("s3", config=patience, **names)
            client.head_bucket(Bucket=bucket)
            client.put_object(Bucket=bucket, Key=mark, Body=b"Results of quakeline runs.\n")
        except NoCredentialsError:
            raise ConfigError(
                "site file: results.url: no credentials; set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            ) from None
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            why = _REFUSALS.get(code, f"the server answers {code}")
            raise ConfigError(f"site file: results.url: bucket {bucket!r}: {why}") from None
        except (BotoCoreError, ValueError) as error:
            words = " ".join(str(error).split())[:160]
            raise ConfigError(f"site file: results: {words}") from None


def copy_files(sources: Iterable[str], targets: Iterable[str], results: Path) -> None:
    """Copy products into the folder of a run, each as a whole or not at all.

    What was known of older ones there is forgotten, and that of the new ones noted. Raises
    OutputError.
    """
    for source, target in zip(map(Path, sources), map(Path, targets), strict=True):
        checksums.unseal(target, results)
        with replacing(target) as part:
            shutil.copyfile(source, part)
        checksums.seal(target, results)
