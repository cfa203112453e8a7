"""Why a log-in by an identity provider is refused, in both languages; the audit has the cause beside it."""

from enum import Enum

from cloud_api.problems import Kinds, Problem


class Why(Enum):
    """The reasons, by their stable names, in English and Chinese; none tells a stranger what would have worked."""

    NO_ATTEMPT = (
        "no-attempt",
        "this browser began no such log-in, or too long ago; begin again",
        "此浏览器没有发起该登录，或已超时；请重新登录",
    )
    PROVIDER_REFUSED = (
        "provider-refused",
        "the identity provider did not let you in",
        "身份提供方未允许登录",
    )
    NOT_PROVED = (
        "not-proved",
        "the identity provider's answer does not prove who you are; begin again",
        "身份提供方的应答无法证明您的身份；请重新登录",
    )
    NO_ROLE = (
        "no-role",
        "none of your groups gives a role here; ask an administrator",
        "您所在的组在此没有角色；请联系管理员",
    )
    DISABLED = ("disabled", "this account is disabled; ask an administrator", "此账户已停用；请联系管理员")
    NAME_TAKEN = (
        "name-taken",
        "a user or an API key here has your name already; an administrator can join the two",
        "已有同名用户或 API 密钥；管理员可将两者关联",
    )
    NO_NAME = (
        "no-name",
        "the identity provider gives you no name that a user can have here",
        "身份提供方未给出可用的用户名",
    )

    @property
    def english(self) -> str:
        """The sentence in English."""
        return self.value[1]

    @property
    def chinese(self) -> str:
        """The sentence in Chinese."""
        return self.value[2]


class LoginRefused(Problem):
    """A refused log-in; `cause` is for the audit alone, `who` the account or subject, where one is known."""

    def __init__(self, why: Why, cause: str | None = None, who: str | None = None) -> None:
        super().__init__(Kinds.LOGIN_REFUSED, why.english, more={"reason": why.value[0]})
        self.why = why
        self.cause = cause
        self.who = who
