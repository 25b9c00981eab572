from __future__ import annotations

import runpy
from pathlib import Path

import msgspec
import pytest

from envdoctor.diagnosis.redaction import Redactor
from envdoctor.model.finding import Evidence, Finding
from envdoctor.model.machine import Nvidia

MADE = runpy.run_path(str(Path(__file__).parents[2] / "support" / "snapshots.py"))

SECRETS = {
    "Hugging Face": ("token hf_AbCdEfGhIjKlMnOpQrStUvWxYz12", "hf_AbCd"),
    "GitHub": ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_"),
    "GitHub server": ("ghs_0123456789abcdefghijABCDEFGHIJ012345", "ghs_"),
    "GitHub fine": ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv", "11ABCDEFG0"),
    "GitLab": ("glpat-abcdEFGH1234ijklMNOP", "abcdEFGH"),
    "OpenAI": ("sk-abcdefghijklmnopqrstuvwx", "abcdefghijkl"),
    "OpenAI project": ("key sk-proj-Ab_cd-Efghijklmnop1234567890", "Efghijkl"),
    "Anthropic": ("sk-ant-api03-AbCdEfGhIjKlMnOpQrSt", "AbCdEf"),
    "Amazon": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN"),
    "Amazon session": ("ASIAIOSFODNN7EXAMPLE", "IOSFODNN"),
    "Amazon secret": ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"),
    "Google": ("AIzaSyA-1234567890abcdefghijklmnopqrstu", "1234567890"),
    "Google access": ("ya29.a0AfH6SMBx-abcdefghijklmnop", "a0AfH6"),
    "Slack": ("xoxb-123456789012-abcdefABCDEF", "123456789012"),
    "npm": ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefgh"),
    "PyPI": ("pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAw", "AgEIcH"),
    "NVIDIA": ("nvapi-Ab1-Cd2_Ef3Gh4Ij5Kl6Mn7Op8", "Cd2_Ef3"),
    "Databricks": ("dapi0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    "web token": (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "dozjgNry",
    ),
    "private key": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "b3Blb",
    ),
    "cut private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC", "MIIEpAI"),
    "URL": ("https://ada:s3cret@pypi.example.org/simple", "s3cret"),
    "URL with a token alone": ("https://0123abcd@index.example.org/simple", "0123abcd"),
    "URL of a proxy": ("http://proxyuser:p%40ss@proxy.example.org:3128", "p%40ss"),
    "URL of git": ("git+https://oauth2:tok3n@example.org/a.git@v1", "tok3n"),
    "query": ("https://example.org/x?access_token=abc123&v=1", "abc123"),
    "signature": ("https://example.org/x?v=1&X-Amz-Signature=deadbeef12", "deadbeef12"),
    "header": ("Authorization: Bearer abcdef.ghijkl-123", "abcdef"),
    "basic": ("authorization: Basic YWRhOnMzY3JldA==", "YWRhO"),
    "named": ("password=hunter22", "hunter22"),
    "named in JSON": ('{"api_key": "0a1b2c3d4e"}', "0a1b2c"),
    "named variable": ("WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567", "01234567"),
    "home": ("/home/ada/venv/bin/python", "ada"),
    "another home": ("/home/grace/x.py", "grace"),
    "home of a Mac": ("/Users/grace/miniforge3", "grace"),
    "home of Windows": ("C:\\Users\\grace\\x", "grace"),
    "home in a list": ("/usr/lib:/home/grace/lib", "grace"),
    "home of root": ("/root/venv/bin/python", "root"),
    "user": ("started by ada on this machine", "ada"),
    "user of a folder": ("/scratch/ada/run", "ada"),
    "host": ("socket.gaierror: babbage.example.org not known", "babbage"),
    "short host": ("Nov 22 babbage kernel: NVRM: Xid", "babbage"),
    "GPU": ("GPU-5a1f0c3e-0000-4000-8000-0123456789ab", "5a1f0c3e"),
    "part of a GPU": ("MIG-5a1f0c3e-0000-4000-8000-0123456789ab", "0123456789ab"),
    "short GPU": ("CUDA_VISIBLE_DEVICES=GPU-5a1f0c3e", "5a1f0c3e"),
    "another identity": ("id 123e4567-e89b-12d3-a456-426614174000", "426614174000"),
    "serial": ("Serial Number: 1563221002345", "1563221002345"),
    "address": ("MASTER_ADDR=10.1.2.3", "10.1.2.3"),
    "address of a port": ("tcp://34.120.7.9:29500", "34.120.7.9"),
    "address in a sentence": ("cannot reach 34.120.7.9.", "34.120.7.9"),
    "address of IPv6": ("listening on fe80::1c2d:3eff:fe4f:5061", "1c2d"),
    "full IPv6": ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "8a2e"),
    "MAC": ("ether 00:1a:2b:3c:4d:5e", "3c:4d"),
    "MAC of Windows": ("00-1A-2B-3C-4D-5E", "3C-4D"),
}
HARMLESS = [
    "torch 2.13.0+cu130",
    "nvidia-cublas-cu12 12.8.4.1",
    "nvidia-cublas-cu12==12.8.4.1",
    "nvidia_cublas_cu12-12.8.4.1.dist-info",
    "Requires nvidia-nccl-cu12 (>=2.27.5.1,<3)",
    "libcublas.so.12.8.4.1",
    "cuDNN version 9.20.0.48",
    "driver 580.95.05.01",
    "found version 12070",
    "CUDA 13.0, compute capability 8.9",
    "0000:01:00.0",
    "00000000:3b:00.0",
    "PCI 0000:ff:1f.7",
    "127.0.0.1:8888",
    "http://localhost:8888/tree",
    "0.0.0.0",
    "12:30:45",
    "2026-11-22T19:41:45+00:00",
    "~/venv/lib/python3.11/site-packages/torch/version.py",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/opt/conda/envs/ml/bin/python",
    "/home/linuxbrew/.linuxbrew/bin/gcc",
    "git 5811a8d7da873dd699ff6687092c225caffcf1bb",
    "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "https://download.pytorch.org/whl/cu130",
    "git+ssh://git@github.com/pytorch/pytorch.git",
    "undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12",
    "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringE",
    "std::runtime_error: c10::Error at::native",
    "OMP: Error #15: Initializing libiomp5.so, but found libomp.so already initialized.",
    "python -m pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu126",
    "CUDA_VISIBLE_DEVICES=0,1",
    "LD_LIBRARY_PATH=/usr/local/cuda-12.4/lib64",
    "TOKENIZERS_PARALLELISM=false",
    "max_tokens: 131072",
    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
    "NVIDIA GeForce RTX 4090",
    "AMD Ryzen 9 7950X 16-Core Processor",
    "glibc 2.39",
    "Ubuntu 24.04.1 LTS",
    "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
    "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus",
    "scikit-learn 1.7.2, sk-image",
    "the keyboard and the secretary",
    "adapter of the adaptive average pool",
]
VARIABLES = {
    "HF_TOKEN": ("anything", "<secret>"),
    "SOME_SETTING": ("0123456789abcdef0123456789abcdef", "<secret>"),
    "OTHER": ("a=Zm9vYmFyQmF6MTIzNDU2Nzg5MHF1eA==", "a=<secret>"),
    "AWS_SESSION_TOKEN": ("x", "<secret>"),
    "HF_TOKEN_PATH": ("/data/token", "/data/token"),
    "TOKENIZERS_PARALLELISM": ("false", "false"),
    "PYTHONPATH": (
        "/opt/tools/lib/python3.11/site-packages",
        "/opt/tools/lib/python3.11/site-packages",
    ),
    "XLA_FLAGS": (
        "--xla_gpu_cuda_data_dir=/usr/local/cuda-12.4 --xla_force_host_platform_device_count=8",
        "--xla_gpu_cuda_data_dir=/usr/local/cuda-12.4 --xla_force_host_platform_device_count=8",
    ),
    "PYTORCH_CUDA_ALLOC_CONF": ("max_split_size_mb:128", "max_split_size_mb:128"),
    "MASTER_ADDR": ("10.0.0.7", "<ip>"),
    "CONDA_PREFIX": ("/home/ada/miniforge3/envs/ml", "~/miniforge3/envs/ml"),
}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(
        home="/home/ada", user="ada", host="babbage.example.org", kept=frozenset({"torch"})
    )


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_private_goes(redactor: Redactor, name: str) -> None:
    text, secret = SECRETS[name]
    assert secret in text
    assert secret not in redactor.text(text)
    assert secret not in redactor.text(f'it says: "{text}", and ends')


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_diagnosis_needs_stays(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_may_hold_anything(redactor: Redactor, name: str) -> None:
    value, wanted = VARIABLES[name]
    assert redactor.plain({"variables": {name: value}}) == {"variables": {name: wanted}}


@pytest.mark.parametrize("text", [secret for secret, _ in SECRETS.values()])
def test_twice_is_the_same_as_once(redactor: Redactor, text: str) -> None:
    once = redactor.text(text)
    assert redactor.text(once) == once


def test_a_path_below_home_keeps_its_end(redactor: Redactor) -> None:
    assert redactor.text("/home/ada/venv/bin/python -m pip") == "~/venv/bin/python -m pip"
    assert redactor.text("/home/adamant") != "~mant"


def test_devices_stay_apart(redactor: Redactor) -> None:
    first, second = (f"GPU-{digit * 8}-0000-4000-8000-0123456789ab" for digit in "12")
    text = redactor.text(f"{first} {second} {first} GPU-11111111")
    assert text == "GPU-<uuid 1> GPU-<uuid 2> GPU-<uuid 1> GPU-<uuid 1>"


@pytest.mark.parametrize("name", ["root", "user", "ab", "torch", ""])
def test_an_ordinary_name_is_no_secret(name: str) -> None:
    text = "torch of the root user, ab and so on"
    assert Redactor(home="/", user=name, host=name, kept={"torch"}).text(text) == text


def test_a_version_is_no_address(redactor: Redactor) -> None:
    assert redactor.plain({"version": "10.2.1.243"}) == {"version": "10.2.1.243"}
    assert redactor.plain({"anything": "10.2.1.243"}) == {"anything": "<ip>"}


def test_a_whole_snapshot_comes_back_without_what_is_private(redactor: Redactor) -> None:
    machine = MADE["machine"](nvidia=MADE["nvidia"]())
    environment = MADE["environment"](
        {"torch": "2.13.0", "nvidia-cublas": "13.1.0.3"}, variables={"HF_TOKEN": "x"}
    )
    before = MADE["snapshot"](machine=machine, environment=environment)
    after = redactor.apply(before)
    text = msgspec.json.encode(after).decode()
    assert "ada" not in text
    assert "5a1f0c3e" not in text
    assert after.environment.version_of("nvidia-cublas") == "13.1.0.3"
    assert after.environment.interpreter.path == "~/venv/bin/python"
    assert isinstance(after.machine.nvidia, Nvidia)
    assert after.machine.nvidia.gpus[0].pci_address == "0000:01:00.0"
    assert after.environment.variables == {"HF_TOKEN": "<secret>"}


def test_findings_are_redacted_as_well(redactor: Redactor) -> None:
    finding = Finding(
        id="x", status="warn", title="A", evidence=(Evidence(fact="in /home/ada/x", source="ada"),)
    )
    assert redactor.apply(finding).evidence == (Evidence(fact="in ~/x", source="<user>"),)


def test_this_machine_has_names() -> None:
    redactor = Redactor.of_this_machine()
    assert redactor.text(str(Path.home() / "venv")).startswith("~")
