import type { Reason } from '@slipway/contracts';

/**
 * Why something failed, in Chinese, by the code that every reason has. Codes come from image-builder (adapters/failures.ts), libs/deployments
 * (verdict.ts), libs/orchestrators (Refusal), libs/source-control (source-error.ts), libs/release (resolved-deployment.ts), approval (what-stands.ts) and
 * production-rollout (beginning.ts).
 */
const chinese: Readonly<Record<string, string>> = {
  'build-failed': '有一个构建步骤失败',
  'time-limit': '构建超时',
  'log-limit': '构建日志过长',
  'source-size-limit': '源代码过大',
  'source-entries-limit': '源代码文件过多',
  'context-refused': '构建上下文不可接受',
  'registry-refused': '镜像仓库拒绝了请求',
  'never-healthy': '一直未能通过健康检查',
  crashed: '实例反复异常退出',
  'no-progress': '在期限内没有进展',
  'wrong-digest': '实际运行的不是所要求的镜像',
  aborted: '已被中止',
  cancelled: '已被取消',
  'refused-image-not-found': '找不到镜像',
  'refused-image-unauthorised': '没有权限拉取镜像',
  'refused-image-mismatch': '镜像与所要求的不一致',
  'refused-not-ours': '目标上的同名对象不属于本系统',
  'refused-port-taken': '端口已被占用',
  'refused-invalid': '目标认为配置无效',
  'refused-no-space': '目标没有可用空间',
  'secret-changed': '密钥的值已更新',
  'secret-missing': '缺少密钥',
  'provenance-not-good': '镜像的来源证明无效',
  'verdict-not-good': '测试结论的证明无效',
  'grant-not-good': '许可无效',
  'target-mismatch': '目标已改变',
  'target-unknown': '目标不存在',
  'environment-removed': '环境已从项目中移除',
  'project-removed': '项目已移除',
  withdrawn: '版本已撤回',
  rejected: '已被退回',
  expired: '已过期',
  superseded: '已被更新的版本取代',
  voided: '已失效',
  changed: '申请的内容已改变',
  older: '环境中运行的版本更新',
  'older-than-what-runs': '环境中运行的版本更新',
  barred: '此版本已从该环境回滚',
  'not-believed': '数据库中有一行不可信，无法确定变更的作者',
  'begun-before': '此许可已用于一次发布',
};

/** What a reason says in Chinese; its own sentence, which is for whoever mends it, goes beside it. */
export function reasonInChinese({ code }: Reason): string {
  return chinese[code] ?? (code.startsWith('source-') ? '无法读取源代码' : '详见下文');
}
